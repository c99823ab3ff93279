//! The networks that are fitted here: what they see, how they are split, what is said of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use learn::recognition::Recognition;
use neural::{Artifact, Tensor, Tensors};
use perceive::{CHANNELS, INPUT, SIDE};
use rayon::prelude::*;

use crate::{
    card::{Card, FittedOn, Judgement, Part},
    export,
    fit::{Items, Schedule, fit},
    network::{Architecture, Image, Layer},
    pen::{Drawings, Drawn, Sifted, WORDS, quick_draw, unipen_digits},
};

/// Draws of people for intervals, and their seed.
const DRAWS: (usize, u64) = (2000, 1);

/// Items of the training people that ranges of quantised values are chosen on.
const CALIBRATION: usize = 256;

/// Where things are and go.
pub(crate) struct Places {
    /// The folder of published data.
    pub(crate) data: PathBuf,
    /// The network's own folder.
    pub(crate) out: PathBuf,
    /// For what is made of the data and must not be kept with the network: items to calibrate and to judge on.
    pub(crate) work: PathBuf,
}

/// A network to be fitted.
struct Recipe {
    name: &'static str,
    file: &'static str,
    purpose: &'static str,
    classes: Vec<String>,
    layers: Vec<Layer>,
    schedule: Schedule,
    data: (&'static str, &'static str, &'static str),
    limits: Vec<String>,
    command: &'static str,
}

/// Drawings on three sides of a split.
struct Split {
    training: Drawings,
    /// Looked at while the recipe was made.
    checking: Option<Drawings>,
    /// Looked at once.
    test: Drawings,
    words: String,
    sifted: Sifted,
}

fn convolution(outputs: usize, pad: usize) -> Layer {
    Layer::Convolution { outputs, kernel: 3, pad, rectified: true }
}

/// 28 × 28 down to one pixel: three times convolved and halved, then all of what is left seen at once.
fn layers(widths: [usize; 4], classes: usize, dropped: f32) -> Vec<Layer> {
    let [first, second, third, last] = widths;
    vec![
        convolution(first, 1),
        Layer::Pool,
        convolution(second, 1),
        Layer::Pool,
        convolution(third, 1),
        Layer::Pool,
        convolution(last, 0),
        Layer::Mean,
        Layer::Dropout(dropped),
        Layer::Convolution { outputs: classes, kernel: 1, pad: 0, rectified: false },
    ]
}

/// Digits 0 to 9 as they were written.
pub(crate) fn digits(places: &Places) -> Result<()> {
    let (all, sifted) = unipen_digits(&places.data.join("pen/unipen_digits/digits_1a.ndjson"))?;
    // Files that do not name their writer might hold anybody: they train and never judge.
    let parts = all.dealt(5, 1, |it| it.known.then(|| it.donor.clone()));
    let aside: HashSet<usize> = parts[0].union(&parts[1]).copied().collect();
    let training =
        Drawings { drawn: all.drawn.iter().filter(|it| !aside.contains(&it.person)).cloned().collect() };
    let words = "by writer, within each donor: a fifth test, a fifth looked at while the recipe was made, the rest and all files \
                 without a writer's name training; writers who share a drawing count as one";
    let split = Split {
        training,
        checking: Some(all.of(&parts[1])),
        test: all.of(&parts[0]),
        words: words.to_owned(),
        sifted,
    };
    let recipe = Recipe {
        name: "digits@1",
        file: "digits.onnx",
        purpose: "Reads a digit 0 to 9 from the strokes of a pen: for the numerals of a drawn clock. It is no measure of a \
                  person and knows nothing of dementia.",
        classes: (0..10).map(|it| it.to_string()).collect(),
        layers: layers([16, 32, 64, 128], 10, 0.3),
        schedule: Schedule { epochs: 16, batch: 64, rate: 3e-3, decay: 0.02, seed: 1 },
        data: (
            "UNIPEN train_r01_v07, category 1a",
            "Guyon, Schomaker, Plamondon, Liberman, Janet 1994; Zenodo 1195803",
            "CC-BY-4.0",
        ),
        limits: vec![
            "UNIPEN's writers are adults who wrote digits one by one or in boxes around 1993; no numeral of a clock, and nobody \
             known to be ill, is among them."
                .to_owned(),
            "The file's writers are named by hashes of what the donors wrote down. Copies show that some names are of one \
             person; others may be too and are not known."
                .to_owned(),
            "Lines of five donors (tos, pri, ceb, lou, cea) were left out: their strokes and labels are out of step in the file, and \
             most of their drawings are no digit or another one. The network's accuracy on them is unknown."
                .to_owned(),
            "Some labels of UNIPEN are wrong. They were left as they are, in training and in the test.".to_owned(),
        ],
        command: "make networks",
    };
    make(&recipe, &split, places)
}

/// Shapes and a clock as players of a game drew them.
pub(crate) fn drawings(places: &Places) -> Result<()> {
    let (all, sifted) = quick_draw(&places.data.join("pen/quickdraw"))?;
    let word = |it: &Drawn| Some(WORDS[it.class].to_owned());
    let parts = all.dealt(3, 1, word);
    let rest: HashSet<usize> = parts[1..].iter().flatten().copied().collect();
    let split = Split {
        training: all.of(&rest),
        checking: None,
        test: all.of(&parts[0]),
        words: "by drawing, within each word: a third test, the rest training; who drew is not known, so one player may be on \
                both sides"
            .to_owned(),
        sifted,
    };
    let recipe = Recipe {
        name: "drawings@1",
        file: "drawings.onnx",
        purpose: "A demonstration: tells seven words of Quick, Draw! apart, fitted on a few hundred drawings. It shows what a \
                  small network of drawings costs in fewer bits. It is no measure of a person and is used by nothing.",
        classes: WORDS.map(str::to_owned).to_vec(),
        layers: layers([16, 16, 32, 64], WORDS.len(), 0.4),
        schedule: Schedule { epochs: 60, batch: 32, rate: 3e-3, decay: 0.05, seed: 1 },
        data: ("Quick, Draw!, an excerpt of seven words", "Ha & Eck 2017 (Google)", "CC-BY-4.0"),
        limits: vec![
            "A demonstration: 390 drawings, of which a third judge. Intervals are wide.".to_owned(),
            "Players are anonymous: drawings, not people, were split and drawn for intervals, which makes them too narrow where \
             one player drew several."
                .to_owned(),
            "Shapes of UNIPEN were to be learned too; the data at hand hold its digits only.".to_owned(),
        ],
        command: "make networks",
    };
    make(&recipe, &split, places)
}

/// Fits, judges, and writes network, card and what was judged on.
fn make(recipe: &Recipe, split: &Split, places: &Places) -> Result<()> {
    let input = Image { size: [SIDE, SIDE], channels: CHANNELS };
    let network = Architecture::new(input, &recipe.layers);
    let started = std::time::Instant::now();
    let theta = fit(&network, &split.training, &recipe.schedule, &mut |epoch| {
        eprintln!(
            "{}: epoch {} loss {:.4}, {:.0?}",
            recipe.name,
            epoch.number,
            epoch.loss,
            started.elapsed()
        );
    });
    let sides =
        [("looked at while the recipe was made", split.checking.as_ref()), ("test", Some(&split.test))];
    let sides = sides.into_iter().filter_map(|(on, side)| Some((on, side?)));
    let judged: Vec<Judgement> =
        sides.map(|(on, side)| judge(&network, &theta, on, side)).collect::<Result<_>>()?;
    for it in &judged {
        let accuracy = it.metrics.accuracy;
        println!(
            "{}, {}: accuracy {:.4} ({:.4}–{:.4}), macro AUC {:.4}, {} items of {} people",
            recipe.name,
            it.on,
            accuracy.value,
            accuracy.low,
            accuracy.high,
            it.metrics.macro_auc.value,
            it.items,
            it.people
        );
    }
    std::fs::create_dir_all(&places.out).with_context(|| places.out.display().to_string())?;
    let file = places.out.join(recipe.file);
    let graph = export::graph(recipe.name, &network, &theta)?;
    std::fs::write(&file, graph.to_onnx()).with_context(|| file.display().to_string())?;
    card(recipe, split, judged, &file)?.write(&places.out)?;
    keep_items(recipe, split, places)
}

fn card(recipe: &Recipe, split: &Split, judged: Vec<Judgement>, file: &Path) -> Result<Card> {
    let (name, source, licence) = recipe.data;
    let mut artifact = Artifact::of(recipe.name, file, licence)?;
    let score = format!("f32 [batch, {}], logarithms of shares up to a constant", recipe.classes.len());
    artifact.shapes = BTreeMap::from([
        (INPUT.to_owned(), format!("f32 [batch, {CHANNELS}, {SIDE}, {SIDE}]")),
        (perceive::OUTPUT.to_owned(), score),
    ]);
    let picture = "strokes fitted into 20 of 28 pixels, centred: planes of ink, of the pen's direction to the right and down, and \
                   of the share of the line drawn before (perceive::Picture)";
    artifact.preprocessing = BTreeMap::from([("picture".to_owned(), picture.to_owned())]);
    let widths: Vec<String> = recipe
        .layers
        .iter()
        .map(|it| match it {
            Layer::Convolution { outputs, kernel: 1, .. } => format!("linear {outputs}"),
            Layer::Convolution { outputs, kernel, .. } => {
                format!("convolution {kernel}×{kernel} {outputs}, ReLU")
            }
            Layer::Pool => "maximum 2×2".to_owned(),
            Layer::Mean => "mean".to_owned(),
            Layer::Dropout(share) => format!("dropout {share} while fitting"),
        })
        .collect();
    Ok(Card {
        artifact,
        purpose: recipe.purpose.to_owned(),
        software: format!("inkling {}", env!("CARGO_PKG_VERSION")),
        architecture: widths.join("; "),
        classes: recipe.classes.clone(),
        fitted_on: FittedOn {
            name: name.to_owned(),
            source: source.to_owned(),
            licence: licence.to_owned(),
            sifted: split.sifted,
            split: split.words.clone(),
            items: split.training.drawn.len(),
            people: split.training.people(),
        },
        schedule: recipe.schedule,
        judged,
        limits: recipe.limits.clone(),
        command: recipe.command.to_owned(),
    })
}

/// How well it does on a side of the split.
fn judge(network: &Architecture, theta: &[f32], on: &str, side: &Drawings) -> Result<Judgement> {
    let said = |item: usize| neural::softmax(&network.scores(theta, &side.image(item, None)));
    let each: Vec<Vec<f64>> = (0..side.count()).into_par_iter().map(said).collect();
    let truth: Vec<usize> = side.drawn.iter().map(|it| it.class).collect();
    let makers: Vec<u64> = side.drawn.iter().map(|it| it.person as u64).collect();
    let given = |item: usize| {
        (1..network.classes).fold(0, |best, it| if each[item][it] > each[item][best] { it } else { best })
    };
    let donors: BTreeSet<&String> = side.drawn.iter().map(|it| &it.donor).collect();
    let part = |donor: &String| {
        let items: Vec<usize> = (0..side.count()).filter(|&it| side.drawn[it].donor == *donor).collect();
        let right = items.iter().filter(|&&it| given(it) == truth[it]).count();
        Part {
            name: format!("donor {donor}"),
            items: items.len(),
            people: items.iter().map(|&it| makers[it]).collect::<HashSet<_>>().len(),
            accuracy: right as f64 / items.len() as f64,
        }
    };
    let parts = if donors.len() > 1 { donors.into_iter().map(part).collect() } else { vec![] };
    let recognition = Recognition::new(network.classes, each.concat(), truth.clone(), &makers)?;
    Ok(Judgement {
        on: on.to_owned(),
        items: recognition.items(),
        people: recognition.people(),
        metrics: recognition.judge(DRAWS),
        parts,
    })
}

/// Items of the training people to calibrate on, and the test items to judge on, for `inkling quantize` and `inkling cost`.
fn keep_items(recipe: &Recipe, split: &Split, places: &Places) -> Result<()> {
    let folder = places.work.join(recipe.name);
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let every = split.training.drawn.len().div_ceil(CALIBRATION);
    let some = Drawings { drawn: split.training.drawn.iter().step_by(every).cloned().collect() };
    pictures(&some)?.write_npz(&folder.join("calibration.npz"))?;
    let mut test = pictures(&split.test)?;
    let numbers = |of: &dyn Fn(&Drawn) -> usize| {
        Tensor::i64([split.test.count()], split.test.drawn.iter().map(|it| of(it) as i64).collect())
    };
    test.insert("class", numbers(&|it| it.class)?);
    test.insert("person", numbers(&|it| it.person)?);
    test.write_npz(&folder.join("test.npz"))?;
    Ok(())
}

fn pictures(drawings: &Drawings) -> Result<Tensors> {
    let planes = |it: &Drawn| {
        perceive::Picture::of(&it.strokes).map_or(vec![0.0; CHANNELS * SIDE * SIDE], |it| it.values)
    };
    let values: Vec<f32> = drawings.drawn.iter().flat_map(planes).collect();
    let tensor = Tensor::f32([drawings.count(), CHANNELS, SIDE, SIDE], values)?;
    Ok([(INPUT.to_owned(), tensor)].into_iter().collect())
}
