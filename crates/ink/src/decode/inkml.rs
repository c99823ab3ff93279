//! InkML (W3C Recommendation, 20 September 2011): traces of comma-separated points over the channels of a trace format.
//!
//! Read: the first `traceFormat` (X, Y, T, F, OTx, OTy, OE and any other channel, which is skipped), its `units`,
//! `max` and `orientation`, `channelProperty` resolution, `sampleRate`, `activeArea`, trace `type` and `timeOffset`,
//! and the difference encoding of trace data. T is in milliseconds unless its units say otherwise. Brushes, mappings
//! and annotations do not change where the pen was and are skipped. Entities are never expanded.

mod channel;
mod trace;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::Options;
use crate::{Capture, Drawing, Error, Place, Stroke, Timing, limit};
use channel::{Channel, Format};
use trace::Clock;

/// The drawing of an InkML document.
pub(super) fn decode(text: &str, options: &Options) -> Result<Drawing, Error> {
    let mut reader = Reader::from_str(text);
    let mut document = Document::default();
    loop {
        let byte = reader.buffer_position();
        let event = reader.read_event().map_err(|error| Error::Xml { byte, message: error.to_string() })?;
        match event {
            Event::Start(tag) => document.open(&tag, byte)?,
            Event::Empty(tag) => {
                document.open(&tag, byte)?;
                document.close(byte)?;
            }
            Event::Text(text) => document.text(&String::from_utf8_lossy(&text)),
            Event::GeneralRef(_) if document.trace.is_some() => {
                return Err(xml(byte, "entities are not read in trace data"));
            }
            Event::End(_) => document.close(byte)?,
            Event::Eof if document.depth() > 0 => return Err(xml(byte, "the file ends inside an element")),
            Event::Eof => return document.drawing(byte, options),
            _ => {}
        }
    }
}

/// An error at a byte.
fn xml(byte: u64, message: impl Into<String>) -> Error {
    Error::Xml { byte, message: message.into() }
}

/// The value of an attribute, if there is one.
fn attribute(tag: &BytesStart<'_>, name: &str, byte: u64) -> Result<Option<String>, Error> {
    let found = tag.try_get_attribute(name).map_err(|error| xml(byte, error.to_string()))?;
    Ok(found.map(|it| String::from_utf8_lossy(&it.value).trim().to_owned()))
}

/// A number in an attribute, if there is one.
fn number(tag: &BytesStart<'_>, name: &str, byte: u64) -> Result<Option<f64>, Error> {
    let Some(text) = attribute(tag, name, byte)? else { return Ok(None) };
    let bad = || xml(byte, format!("{name} is {text:?}; expected a number"));
    text.parse().ok().filter(|it: &f64| it.is_finite()).map(Some).ok_or_else(bad)
}

/// What has been read so far.
#[derive(Default)]
struct Document {
    open: Vec<String>,
    format: Format,
    formats_closed: usize,
    rate_hz: Option<f64>,
    device: Option<String>,
    trace: Option<Trace>,
    strokes: Vec<Stroke>,
    points: usize,
    clock: Clock,
}

/// The attributes of the trace being read.
struct Trace {
    place: Place,
    offset_s: Option<f64>,
    data: String,
}

impl Document {
    /// How many elements are open.
    fn depth(&self) -> usize {
        self.open.len()
    }

    /// Enters an element, and keeps what it says of the pen.
    fn open(&mut self, tag: &BytesStart<'_>, byte: u64) -> Result<(), Error> {
        limit::check("bytes in one InkML tag", tag.len(), limit::TAG_BYTES)?;
        let name = String::from_utf8_lossy(tag.local_name().as_ref()).into_owned();
        if self.open.is_empty() && name != "ink" {
            return Err(xml(byte, format!("the root element is <{name}>; expected <ink>")));
        }
        limit::check("InkML elements inside elements", self.depth() + 1, limit::NESTING)?;
        match name.as_str() {
            "channel" if self.formats_closed == 0 => self.channel(tag, byte)?,
            "channelProperty" => self.format.property(tag, byte)?,
            "sampleRate" => self.rate_hz = number(tag, "value", byte)?.filter(|rate| *rate > 0.0),
            "activeArea" => self.format.area(tag, byte)?,
            "inkSource" => self.device = source_name(tag, byte)?,
            "trace" => self.trace = Some(Trace::open(tag, byte)?),
            _ => {}
        }
        self.open.push(name);
        Ok(())
    }

    /// Adds a channel of the first trace format; those of later formats are not read.
    fn channel(&mut self, tag: &BytesStart<'_>, byte: u64) -> Result<(), Error> {
        let optional = self.open.iter().any(|name| name == "intermittentChannels");
        self.format.channels.push(Channel::open(tag, byte, optional)?);
        limit::check("InkML channels", self.format.channels.len(), limit::NESTING)
    }

    /// Text counts inside a trace only.
    fn text(&mut self, text: &str) {
        if let Some(trace) = &mut self.trace {
            trace.data.push_str(text);
        }
    }

    /// Leaves an element; a trace becomes a stroke.
    fn close(&mut self, byte: u64) -> Result<(), Error> {
        match self.open.pop().as_deref() {
            Some("traceFormat") => self.formats_closed += 1,
            Some("trace") => {
                if let Some(trace) = self.trace.take() {
                    self.trace_closed(trace, byte)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Limits are held trace by trace, before the next one is allocated.
    fn trace_closed(&mut self, trace: Trace, byte: u64) -> Result<(), Error> {
        let rows = trace::rows(&trace.data, &self.format).map_err(|message| {
            let stroke = self.strokes.len() + 1;
            xml(byte, format!("trace {stroke}: {message}"))
        })?;
        let points = self.clock.points(&rows, &self.format, trace.offset_s, self.rate_hz);
        self.points += points.len();
        limit::check("points in one drawing", self.points, limit::POINTS)?;
        self.strokes.push(Stroke { place: trace.place, points });
        limit::check("strokes in one drawing", self.strokes.len(), limit::STROKES)
    }

    /// The drawing at the end of the file.
    fn drawing(self, byte: u64, options: &Options) -> Result<Drawing, Error> {
        if self.strokes.is_empty() {
            return Err(xml(byte, "no <trace> in the file"));
        }
        let capture = Capture {
            device: self.device,
            mm_per_unit: self.format.mm_per_unit(),
            sheet: self.format.sheet(),
            pressure_full: self.format.pressure_full(),
            pen_up_reported: self.strokes.iter().any(|stroke| stroke.place == Place::Air),
            timing: self.clock.timing(),
            task_started_s: None,
            y_up: self.format.y_up(),
        };
        Drawing::new(self.strokes, options.complete(capture))
    }
}

impl Trace {
    /// `type` is penDown unless it says penUp; `indeterminate` is taken as ink. `timeOffset` is in
    /// milliseconds.
    fn open(tag: &BytesStart<'_>, byte: u64) -> Result<Self, Error> {
        let place = match attribute(tag, "type", byte)?.as_deref() {
            Some("penUp") => Place::Air,
            _ => Place::Paper,
        };
        let offset_s = number(tag, "timeOffset", byte)?.map(|ms| ms / 1000.0);
        Ok(Self { place, offset_s, data: String::new() })
    }
}

/// Manufacturer and model of the ink source.
fn source_name(tag: &BytesStart<'_>, byte: u64) -> Result<Option<String>, Error> {
    let (maker, model) = (attribute(tag, "manufacturer", byte)?, attribute(tag, "model", byte)?);
    let words: Vec<String> = [maker, model].into_iter().flatten().collect();
    Ok((!words.is_empty()).then(|| words.join(" ")))
}

impl Clock {
    /// What its traces said of time.
    fn timing(&self) -> Timing {
        match (self.untimed, self.adrift) {
            (true, _) => Timing::Unknown,
            (false, true) => Timing::WithinStrokes,
            (false, false) => Timing::Whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Drawing, Error> {
        decode(text, &Options::default())
    }

    const TIMED: &str = r#"<?xml version="1.0"?><ink xmlns="http://www.w3.org/2003/InkML">
        <definitions><context><inkSource manufacturer="Acme" model="Slate"><traceFormat>
          <channel name="X" type="integer" units="dev"/><channel name="Y" type="integer" units="dev"/>
          <channel name="F" type="integer" max="1024"/><channel name="T" type="integer" units="ms"/>
        </traceFormat><channelProperties>
          <channelProperty channel="X" name="resolution" value="20" units="1/mm"/>
          <channelProperty channel="Y" name="resolution" value="20" units="1/mm"/>
        </channelProperties></inkSource></context></definitions>
        <trace type="penDown">20 40 512 1000, 40 40 512 1010</trace>
        <trace type="penUp">60 40 0 1020, 80 40 0 1030</trace></ink>"#;

    #[test]
    fn channels_units_pressure_and_lifted_pen_are_read() {
        let drawing = read(TIMED).unwrap();
        let point = drawing.strokes()[0].points[1];
        assert_eq!((point.x, point.y, point.pressure), (2.0, 2.0, Some(0.5)));
        assert!((point.t_s - 0.01).abs() < 1e-9);
        assert_eq!(drawing.strokes()[1].place, Place::Air);
        assert_eq!(drawing.capture().device.as_deref(), Some("Acme Slate"));
    }

    #[test]
    fn without_a_trace_format_there_is_x_and_y_and_no_time() {
        let drawing = read("<ink><trace>10 0, 9 14, 8 28</trace></ink>").unwrap();
        assert_eq!((drawing.point_count(), drawing.capture().timing), (3, Timing::Unknown));
    }

    #[test]
    fn a_sample_rate_and_offsets_place_traces_on_one_clock() {
        let body = r#"<inkSource><sampleRate value="100"/></inkSource>
            <trace timeOffset="0">0 0, 1 1</trace><trace timeOffset="500">2 2, 3 3</trace>"#;
        let drawing = read(&format!("<ink>{body}</ink>")).unwrap();
        assert_eq!(drawing.capture().timing, Timing::Whole);
        assert!((drawing.span_s() - 0.51).abs() < 1e-9);
        let adrift = body.replace(" timeOffset=\"500\"", "");
        assert_eq!(read(&format!("<ink>{adrift}</ink>")).unwrap().capture().timing, Timing::WithinStrokes);
    }

    #[test]
    fn what_is_beside_the_traces_is_skipped() {
        let text = "<!DOCTYPE ink><ink><annotation type='truth'>R&amp;D</annotation><!-- a note -->\
                    <definitions><brush/></definitions><traceGroup><trace>0 0, 3 4</trace></traceGroup></ink>";
        assert_eq!(read(text).unwrap().point_count(), 2);
    }

    #[test]
    fn each_malformed_document_is_refused_with_its_byte() {
        let wide = format!("<ink {}></ink>", (0..5000).map(|n| format!("a{n}='' ")).collect::<String>());
        let deep = format!("<ink>{}", "<traceGroup>".repeat(40));
        let cases = [
            ("<svg></svg>", "root element is <svg>"),
            ("<ink><trace>1 2, 3 4", "ends inside"),
            ("<ink><trace>1 2, three 4</trace></ink>", "trace 1: point 2"),
            ("<ink><trace>1 2, 3</trace></ink>", "trace 1: point 2"),
            ("<ink></ink>", "no <trace>"),
            ("<ink><trace>1 &bomb; 2</trace></ink>", "entities"),
            (&deep, "inside elements: 33"),
            (&wide, "bytes in one InkML tag"),
            ("<ink><trace timeOffset='soon'>1 2</trace></ink>", "timeOffset is \"soon\""),
            ("<ink><trace>1 2</ink>", "InkML, byte"),
        ];
        for (text, words) in cases {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }
}
