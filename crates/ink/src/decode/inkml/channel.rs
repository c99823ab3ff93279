//! The channels of a trace format: what each number of a point is, and in which unit.

use quick_xml::events::BytesStart;

use super::{attribute, number, xml};
use crate::Error;

/// One channel, in the order of the numbers of a point.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Channel {
    pub(super) name: String,
    units: Option<String>,
    max: Option<f64>,
    reversed: bool,
    /// An intermittent channel may be left out of a point.
    pub(super) optional: bool,
}

impl Channel {
    /// Reads one `<channel>`; only its name is required.
    pub(super) fn open(tag: &BytesStart<'_>, byte: u64, optional: bool) -> Result<Self, Error> {
        let name = attribute(tag, "name", byte)?.ok_or_else(|| xml(byte, "a <channel> without a name"))?;
        Ok(Self {
            name,
            units: attribute(tag, "units", byte)?,
            max: number(tag, "max", byte)?,
            reversed: attribute(tag, "orientation", byte)?.as_deref() == Some("-ve"),
            optional,
        })
    }
}

/// The trace format and what the source says of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Format {
    pub(super) channels: Vec<Channel>,
    /// Units per millimetre of X, from its resolution.
    units_per_mm: Option<f64>,
    /// Width and height of the active area in millimetres.
    area_mm: Option<[f64; 2]>,
}

/// Millimetres in a unit of length; `None` for device units.
fn mm_in(units: &str) -> Option<f64> {
    match units {
        "mm" => Some(1.0),
        "cm" => Some(10.0),
        "m" => Some(1000.0),
        "in" => Some(25.4),
        "pt" => Some(25.4 / 72.0),
        "pc" => Some(25.4 / 6.0),
        "himetric" => Some(0.01),
        _ => None,
    }
}

impl Format {
    /// The place of a channel among the numbers of a point. Without a format a point is X and Y (section 3.2.1).
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        match (self.channels.is_empty(), name) {
            (true, "X") => Some(0),
            (true, "Y") => Some(1),
            _ => self.channels.iter().position(|channel| channel.name == name),
        }
    }

    /// How many numbers a point has at least and at most.
    pub(super) fn width(&self) -> (usize, usize) {
        let needed = self.channels.iter().filter(|channel| !channel.optional).count();
        if self.channels.is_empty() { (2, 2) } else { (needed, self.channels.len()) }
    }

    /// Seconds in a unit of T; milliseconds unless it says otherwise.
    pub(super) fn time_unit_s(&self) -> f64 {
        match self.channel("T").and_then(|channel| channel.units.as_deref()) {
            Some("s") => 1.0,
            Some("us") => 1e-6,
            Some("ns") => 1e-9,
            _ => 1e-3,
        }
    }

    /// From the units of X themselves, or else from its resolution.
    pub(super) fn mm_per_unit(&self) -> Option<f64> {
        let units = self.channel("X").and_then(|channel| channel.units.as_deref());
        units.and_then(mm_in).or_else(|| self.units_per_mm.map(f64::recip))
    }

    /// The active area in units of X.
    pub(super) fn sheet(&self) -> Option<[f64; 2]> {
        let mm = self.mm_per_unit()?;
        self.area_mm.map(|area| area.map(|side| side / mm))
    }

    /// The largest F: its `max`, or 100 for percent.
    pub(super) fn pressure_full(&self) -> Option<f64> {
        let channel = self.channel("F")?;
        channel.max.or((channel.units.as_deref() == Some("%")).then_some(100.0)).filter(|max| *max > 0.0)
    }

    /// In InkML Y grows downwards unless its orientation is reversed.
    pub(super) fn y_up(&self) -> bool {
        self.channel("Y").is_some_and(|channel| channel.reversed)
    }

    /// `channelProperty`: only the resolution of X matters.
    pub(super) fn property(&mut self, tag: &BytesStart<'_>, byte: u64) -> Result<(), Error> {
        let (channel, name) = (attribute(tag, "channel", byte)?, attribute(tag, "name", byte)?);
        if channel.as_deref() == Some("X") && name.as_deref() == Some("resolution") {
            let units = attribute(tag, "units", byte)?.unwrap_or_default();
            let mm = units.strip_prefix("1/").or_else(|| units.strip_prefix("dev/")).and_then(mm_in);
            let value = number(tag, "value", byte)?.filter(|value| *value > 0.0);
            self.units_per_mm = value.zip(mm).map(|(value, mm)| value / mm);
        }
        Ok(())
    }

    /// `activeArea`: width and height.
    pub(super) fn area(&mut self, tag: &BytesStart<'_>, byte: u64) -> Result<(), Error> {
        let mm = attribute(tag, "units", byte)?.as_deref().and_then(mm_in);
        let (width, height) = (number(tag, "width", byte)?, number(tag, "height", byte)?);
        if let (Some(mm), Some(width), Some(height)) = (mm, width, height) {
            self.area_mm = (width > 0.0 && height > 0.0).then_some([width * mm, height * mm]);
        }
        Ok(())
    }

    /// The channel of this name.
    fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name == name)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Drawing, Options, decode};

    /// A two-point drawing of 100 units along x, with these channels and source.
    fn read(channels: &str, source: &str, points: &str) -> Drawing {
        let text = format!(
            "<ink><inkSource><traceFormat>{channels}</traceFormat>{source}</inkSource><trace>{points}</trace></ink>"
        );
        decode(text.as_bytes(), &Options::default()).unwrap().remove(0).drawing.unwrap()
    }

    fn width(units: &str, source: &str) -> (f64, bool) {
        let channels = format!("<channel name='X' units='{units}'/><channel name='Y' units='{units}'/>");
        let drawing = read(&channels, source, "0 0, 100 0");
        (drawing.strokes()[0].points[1].x, drawing.in_mm())
    }

    #[test]
    fn units_of_length_become_millimetres_and_device_units_stay() {
        for (units, mm) in
            [("mm", 100.0), ("cm", 1000.0), ("in", 2540.0), ("himetric", 1.0), ("pt", 2540.0 / 72.0)]
        {
            let (width, in_mm) = width(units, "");
            assert!(in_mm && (width - mm).abs() < 1e-9, "{units}: {width}");
        }
        assert_eq!(width("dev", ""), (100.0, false));
    }

    #[test]
    fn a_resolution_is_units_per_length() {
        let of = |value: &str, units: &str| {
            let property = format!("channel='X' name='resolution' value='{value}' units='{units}'");
            width("dev", &format!("<channelProperties><channelProperty {property}/></channelProperties>"))
        };
        assert_eq!(of("40", "1/mm"), (2.5, true));
        assert_eq!(of("400", "1/cm"), (2.5, true));
        assert_eq!(of("0", "1/mm"), (100.0, false));
        assert_eq!(of("40", "1/furlong"), (100.0, false));
    }

    #[test]
    fn time_has_the_unit_it_says_and_milliseconds_otherwise() {
        for (units, seconds) in [("", 0.05), ("units='ms'", 0.05), ("units='s'", 50.0), ("units='us'", 5e-5)]
        {
            let channels = format!("<channel name='X'/><channel name='Y'/><channel name='T' {units}/>");
            let span_s = read(&channels, "", "0 0 0, 100 0 50").span_s();
            assert!((span_s - seconds).abs() < 1e-12, "{units}: {span_s}");
        }
    }

    #[test]
    fn a_reversed_y_is_turned_over() {
        let channels = "<channel name='X'/><channel name='Y' orientation='-ve'/>";
        assert_eq!(read(channels, "", "0 0, 100 30").strokes()[0].points[1].y, -30.0);
    }

    #[test]
    fn pressure_in_percent_and_an_active_area_are_known() {
        let channels =
            "<channel name='X' units='mm'/><channel name='Y' units='mm'/><channel name='F' units='%'/>";
        let area = "<activeArea width='20' height='10' units='cm'/>";
        let drawing = read(channels, area, "0 0 50, 100 0 25");
        assert_eq!(drawing.strokes()[0].points[1].pressure, Some(0.25));
        assert_eq!(drawing.capture().sheet, Some([200.0, 100.0]));
    }

    #[test]
    fn a_channel_that_may_be_left_out_is_and_one_unknown_to_us_is_skipped() {
        let channels = "<channel name='X'/><channel name='Z'/><channel name='Y'/>\
                        <intermittentChannels><channel name='F'/></intermittentChannels>";
        let drawing = read(channels, "", "0 9 0 5, 100 9 7");
        let [first, last] = drawing.strokes()[0].points[..] else { panic!("two points") };
        assert_eq!((first.pressure, last.pressure, last.y), (Some(5.0), None, 7.0));
    }
}
