//! Published drawings with a class each, as pictures to learn from.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use anyhow::{Context, Result, bail};
use ink::Stroke;
use perceive::{CHANNELS, Picture, SIDE};
use serde::Deserialize;

use crate::fit::{Items, derive};

/// One drawing: its ink, its class, who drew it.
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    pub(crate) strokes: Vec<Stroke>,
    pub(crate) class: usize,
    /// Those who might be one person have one number.
    pub(crate) person: usize,
    /// Where it was collected.
    pub(crate) donor: String,
    /// Whether the file says who drew it.
    pub(crate) known: bool,
}

/// Drawings, and how they look each time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Drawings {
    pub(crate) drawn: Vec<Drawn>,
}

/// How far a drawing is varied, the range even: turned (radians), sheared and stretched (shares), bent by a wave (share of its
/// size). Slants and proportions that people have.
const TURN: f64 = 0.2;
const SHEAR: f64 = 0.25;
const STRETCH: f64 = 0.2;
const BEND: f64 = 0.05;

/// Share of strokes that are turned round, and of drawings whose last stroke is drawn first: people differ in this more than the
/// few writers show.
const REVERSED: f64 = 0.15;

impl Items for Drawings {
    fn count(&self) -> usize {
        self.drawn.len()
    }

    fn class(&self, item: usize) -> usize {
        self.drawn[item].class
    }

    fn image(&self, item: usize, varied: Option<u64>) -> Vec<f32> {
        let strokes = &self.drawn[item].strokes;
        let picture = match varied {
            None => Picture::of(strokes),
            Some(seed) => Picture::of(&posed(strokes, seed)),
        };
        by_pixels(&picture.map_or_else(|| vec![0.0; CHANNELS * SIDE * SIDE], |it| it.values))
    }
}

/// `[height, width, channels]` of planes.
pub(crate) fn by_pixels(planes: &[f32]) -> Vec<f32> {
    let pixels = SIDE * SIDE;
    (0..pixels).flat_map(|pixel| (0..CHANNELS).map(move |plane| planes[plane * pixels + pixel])).collect()
}

/// The strokes varied by chance.
fn posed(strokes: &[Stroke], seed: u64) -> Vec<Stroke> {
    // Even between −most and most.
    let chance =
        |place: u64, most: f64| most * ((derive(seed, &[place]) >> 11) as f64 / (1u64 << 52) as f64 - 1.0);
    let rarely = |place: u64| chance(place, 0.5) + 0.5 < REVERSED;
    let mut strokes = strokes.to_vec();
    let (middle, size) = extent(&strokes);
    let (turn, shear) = (chance(0, TURN), chance(1, SHEAR));
    let [wide, high] = [2, 3].map(|place| 1.0 + chance(place, STRETCH));
    let bend = |place: u64, at: f64| {
        chance(place, BEND)
            * libm::sin(
                std::f64::consts::TAU * (at * (1.0 + chance(place + 1, 0.5)) + chance(place + 2, 0.5)),
            )
    };
    let (sin, cos) = (libm::sin(turn), libm::cos(turn));
    for point in strokes.iter_mut().flat_map(|it| &mut it.points) {
        let (x, y) = ((point.x - middle[0]) / size, (point.y - middle[1]) / size);
        let (x, y) = (wide * (x + shear * y) + bend(4, y), high * y + bend(7, x));
        (point.x, point.y) = (cos * x - sin * y, sin * x + cos * y);
    }
    for (place, stroke) in strokes.iter_mut().enumerate() {
        if rarely(20 + place as u64) {
            stroke.points.reverse();
        }
    }
    if rarely(10) {
        strokes.rotate_right(1);
    }
    strokes
}

/// Middle and longer side of the box around strokes; 1 where it has none.
fn extent(strokes: &[Stroke]) -> ([f64; 2], f64) {
    let points = || strokes.iter().flat_map(|it| &it.points);
    let span = |of: fn(&ink::Point) -> f64| {
        points()
            .map(of)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| (low.min(it), high.max(it)))
    };
    let (x, y) = (span(|it| it.x), span(|it| it.y));
    let size = (x.1 - x.0).max(y.1 - y.0);
    let middle = [f64::midpoint(x.0, x.1), f64::midpoint(y.0, y.1)];
    (middle, if size > 0.0 { size } else { 1.0 })
}

#[derive(Deserialize)]
struct UnipenLine {
    label: String,
    donor: String,
    writer: String,
    writer_known: bool,
    strokes: Vec<[Vec<f64>; 2]>,
}

/// What became of the lines of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub(crate) struct Sifted {
    /// Lines of the file.
    pub(crate) lines: usize,
    /// Exact copies of an earlier line's strokes, left out.
    pub(crate) copies: usize,
    /// Without ink to see, left out.
    pub(crate) empty: usize,
    /// Of donors whose strokes and labels are out of step, left out.
    pub(crate) out_of_step: usize,
    /// Writers as the file names them.
    pub(crate) writers: usize,
    /// Writers that share a drawing with another, and count as one person.
    pub(crate) joined: usize,
}

/// Digits of UNIPEN (Guyon et al. 1994, category 1a), one JSON object a line.
///
/// Copies of an earlier line are left out; writers of whom one drawing is a copy of another's count as one person, since it is
/// not known which of both drew it.
///
/// Some donors' files hold strokes that are a single point at the origin: what was written where the pen had left the tablet.
/// They shift the count of strokes by which labels were given, so that most drawings of these donors are no digit or another
/// one (as anybody sees who draws them). All lines of such donors are left out, whatever they look like.
pub(crate) fn unipen_digits(path: &Path) -> Result<(Drawings, Sifted)> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines: Vec<Read> = text
        .lines()
        .enumerate()
        .map(|(number, line)| {
            Read::of(line).with_context(|| format!("{}, line {}", path.display(), number + 1))
        })
        .collect::<Result<_>>()?;
    let shifted: HashSet<&str> = lines.iter().filter(|it| it.shifted).map(|it| &*it.line.donor).collect();
    let (mut sifted, mut drawings) =
        (Sifted { lines: lines.len(), ..Sifted::default() }, Drawings::default());
    let (mut first, mut people) = (HashMap::new(), People::default());
    for it in &lines {
        if shifted.contains(&*it.line.donor) {
            sifted.out_of_step += 1;
            continue;
        }
        let person = people.person(&format!("{} {}", it.line.donor, it.line.writer));
        let Some(strokes) = it.strokes.clone() else {
            sifted.empty += 1;
            continue;
        };
        if let Some(&earlier) = first.get(&it.copy) {
            people.join(person, earlier);
            sifted.copies += 1;
            continue;
        }
        first.insert(&it.copy, person);
        let (donor, known) = (it.line.donor.clone(), it.line.writer_known);
        drawings.drawn.push(Drawn { strokes, class: it.class, person, donor, known });
    }
    sifted.writers = people.parents.len();
    for it in &mut drawings.drawn {
        it.person = people.root(it.person);
    }
    sifted.joined = (0..sifted.writers).filter(|&it| people.root(it) != it).count();
    Ok((drawings, sifted))
}

/// One line, read.
struct Read {
    line: UnipenLine,
    class: usize,
    /// The same for drawings that are copies of each other.
    copy: String,
    /// None where there is no picture of them.
    strokes: Option<Vec<Stroke>>,
    /// Whether a stroke is a single point at the origin.
    shifted: bool,
}

impl Read {
    fn of(text: &str) -> Result<Read> {
        let line: UnipenLine = serde_json::from_str(text)?;
        let Some(class) = line.label.parse().ok().filter(|it| *it < 10) else {
            bail!("expected a digit as label, got {:?}", line.label);
        };
        let origin = |it: &[Vec<f64>; 2]| it.iter().all(|axis| axis[..] == [0.0]);
        let shifted = line.strokes.iter().any(origin);
        Ok(Read { class, copy: format!("{:?}", line.strokes), strokes: ink_of(text)?, shifted, line })
    }
}

/// The strokes of one line; none where there is no picture of them.
fn ink_of(line: &str) -> Result<Option<Vec<Stroke>>> {
    let Some(named) = ink::decode(line.as_bytes(), &ink::Options::default())?.into_iter().next() else {
        return Ok(None);
    };
    let drawing = named.drawing?;
    Ok(Picture::of(drawing.strokes()).map(|_| drawing.strokes().to_vec()))
}

/// Who may be whom: writers joined by drawings they share (union of disjoint sets).
#[derive(Default)]
struct People {
    numbers: HashMap<String, usize>,
    parents: Vec<usize>,
}

impl People {
    fn person(&mut self, name: &str) -> usize {
        let next = self.numbers.len();
        let number = *self.numbers.entry(name.to_owned()).or_insert(next);
        if number == next {
            self.parents.push(number);
        }
        number
    }

    fn root(&self, mut person: usize) -> usize {
        while self.parents[person] != person {
            person = self.parents[person];
        }
        person
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b)] = a.min(b);
    }
}

/// Words of the drawings of Quick, Draw! that are learned, in the order of their classes.
pub(crate) const WORDS: [&str; 7] = ["circle", "clock", "hexagon", "line", "square", "triangle", "zigzag"];

#[derive(Deserialize)]
struct QuickDrawLine {
    word: String,
    key_id: String,
    recognized: bool,
}

/// Drawings of Quick, Draw! (Ha & Eck 2017), one file a word. Players are anonymous: everybody drew one drawing as far as
/// anybody knows. Drawings that the game did not recognise are left out, as its authors advise.
pub(crate) fn quick_draw(folder: &Path) -> Result<(Drawings, Sifted)> {
    let (mut drawings, mut sifted, mut seen) = (Drawings::default(), Sifted::default(), HashSet::new());
    for (class, word) in WORDS.iter().enumerate() {
        let path = folder.join(format!("{word}.ndjson"));
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        for (number, line) in text.lines().enumerate() {
            let at = || format!("{}, line {}", path.display(), number + 1);
            let it: QuickDrawLine = serde_json::from_str(line).with_context(at)?;
            sifted.lines += 1;
            if it.word != *word {
                bail!("{}: expected {word:?} as word, got {:?}", at(), it.word);
            }
            if !seen.insert(it.key_id) {
                sifted.copies += 1;
                continue;
            }
            match ink_of(line).with_context(at)?.filter(|_| it.recognized) {
                None => sifted.empty += 1,
                Some(strokes) => {
                    let (person, donor) = (drawings.drawn.len(), "quickdraw".to_owned());
                    drawings.drawn.push(Drawn { strokes, class, person, donor, known: false });
                }
            }
        }
    }
    sifted.writers = drawings.drawn.len();
    Ok((drawings, sifted))
}

impl Drawings {
    /// The drawings of some of the people.
    pub(crate) fn of(&self, people: &HashSet<usize>) -> Drawings {
        Drawings { drawn: self.drawn.iter().filter(|it| people.contains(&it.person)).cloned().collect() }
    }

    /// How many people drew them.
    pub(crate) fn people(&self) -> usize {
        self.drawn.iter().map(|it| it.person).collect::<HashSet<_>>().len()
    }

    /// People dealt into parts, stratum by stratum, by seed. A person's stratum is that of their first drawing.
    pub(crate) fn dealt(
        &self,
        parts: usize,
        seed: u64,
        stratum: impl Fn(&Drawn) -> Option<String>,
    ) -> Vec<HashSet<usize>> {
        let mut people: BTreeMap<usize, String> = BTreeMap::new();
        for it in &self.drawn {
            if let Some(stratum) = stratum(it) {
                people.entry(it.person).or_insert(stratum);
            }
        }
        let mut names: Vec<&String> = people.values().collect();
        names.sort();
        names.dedup();
        let place = |name: &String| names.binary_search(&name).expect("every name is there");
        let strata: Vec<usize> = people.values().map(place).collect();
        let numbers: Vec<usize> = people.keys().copied().collect();
        let dealt = study::dealt_folds(&strata, parts, seed);
        dealt.into_iter().map(|part| part.into_iter().map(|it| numbers[it]).collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(label: &str, writer: &str, strokes: &str) -> String {
        format!(
            r#"{{"label":"{label}","donor":"abc","writer":"{writer}","pps":"100","strokes":{strokes},"writer_known":true}}"#
        )
    }

    #[test]
    fn copies_join_their_writers_and_what_has_no_ink_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("digits.ndjson");
        let (one, other) = ("[[[0,5,9],[0,5,1]]]", "[[[1,5,9],[0,5,1]]]");
        let lines = [
            line("1", "a", one),
            line("2", "b", other),
            line("1", "c", one),
            line("3", "d", "[[[7],[7]]]"),
            line("4", "b", "[[[1,5],[0,5]]]"),
        ];
        std::fs::write(&path, lines.join("\n")).unwrap();
        let (drawings, sifted) = unipen_digits(&path).unwrap();
        assert_eq!(sifted, Sifted { lines: 5, copies: 1, empty: 1, writers: 4, joined: 1, out_of_step: 0 });
        let got: Vec<_> = drawings.drawn.iter().map(|it| (it.class, it.person)).collect();
        assert_eq!(got, [(1, 0), (2, 1), (4, 1)]);
    }

    #[test]
    fn all_lines_of_a_donor_with_points_at_the_origin_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("digits.ndjson");
        let shifted = line("2", "a", "[[[1,5],[0,5]],[[0],[0]]]").replace("abc", "xyz");
        let beside = line("3", "b", "[[[1,5],[0,9]]]").replace("abc", "xyz");
        std::fs::write(&path, [shifted, beside, line("4", "c", "[[[1,5],[0,5]]]")].join("\n")).unwrap();
        let (drawings, sifted) = unipen_digits(&path).unwrap();
        assert_eq!((drawings.drawn.len(), sifted.out_of_step, sifted.writers), (1, 2, 1));
    }

    #[test]
    fn nobody_is_dealt_into_two_parts() {
        let drawn = |it: usize| Drawn {
            strokes: vec![],
            class: 0,
            person: it / 3,
            donor: (it / 30).to_string(),
            known: true,
        };
        let drawings = Drawings { drawn: (0..90).map(drawn).collect() };
        let parts = drawings.dealt(5, 1, |it| Some(it.donor.clone()));
        assert_eq!(parts.iter().map(HashSet::len).sum::<usize>(), 30);
        assert!(parts.iter().all(|part| part.len() == 6 && drawings.of(part).drawn.len() == 18));
        assert_eq!(drawings.people(), 30);
    }

    #[test]
    fn a_label_that_is_no_digit_is_a_clear_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("digits.ndjson");
        std::fs::write(&path, line("x", "a", "[[[0,5],[0,5]]]")).unwrap();
        let error = format!("{:#}", unipen_digits(&path).unwrap_err());
        assert!(error.contains("line 1: expected a digit as label, got \"x\""), "{error}");
    }
}
