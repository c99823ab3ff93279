//! Whisper by our plan: its formula, the same bits however it is asked, no memory taken by a step, and the packed form.

use bytes::Bytes;
use neural::{
    Cache, Error, Isa, Network, Precision, Tensor, Tensors, Weights,
    weights::{Layout, Packing},
    whisper::{Turn, Whisper},
};

use super::*;

const TOKENS: [u32; 7] = [3, 1, 42, 7, 7, 0, 9];

fn open(precision: Precision, isa: Isa) -> Whisper {
    Whisper::open(&Weights::from_bytes(small().1).unwrap(), Some(precision), isa).unwrap()
}

fn available() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.is_available())
}

fn spectrum() -> Vec<f32> {
    mel(1).get("mel").unwrap().as_f32().unwrap().to_vec()
}

fn encoded(whisper: &Whisper) -> Vec<f32> {
    let mut states = vec![0.0; FRAMES * WIDTH];
    whisper.encode(&mut whisper.workspace(1), &spectrum(), &mut states).unwrap();
    states
}

fn source(whisper: &Whisper) -> Cache {
    let mut source = whisper.source();
    whisper.take_in(&mut whisper.workspace(1), &encoded(whisper), &mut source).unwrap();
    source
}

/// Logits after each token, read in steps of these lengths.
fn read(whisper: &Whisper, source: &Cache, tokens: &[u32], steps: &[usize]) -> Vec<f32> {
    let (mut room, mut cache, mut logits) = (whisper.workspace(7), whisper.cache(), vec![]);
    let mut rest = tokens;
    for &step in steps {
        let (tokens, after) = rest.split_at(step);
        whisper.read(&mut room, &mut [Turn { tokens, cache: &mut cache, source }]).unwrap();
        whisper.logits(&mut room, 0..step).unwrap().for_each(|row| logits.extend(row));
        rest = after;
    }
    assert!(rest.is_empty() && cache.len() == tokens.len());
    logits
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn floats_give_what_the_formula_says_and_integers_stay_near() {
    let named = small().0;
    let float = open(Precision::Float, Isa::best());
    assert_eq!(
        (float.spectrum(), float.states(), float.context(), float.vocabulary()),
        ([BANDS, 2 * FRAMES], [FRAMES, WIDTH], CONTEXT, VOCABULARY)
    );
    let states = by_formula(&named, &spectrum());
    near(&encoded(&float), &states.concat(), 2e-5);
    let logits = read(&float, &source(&float), &TOKENS, &[7]);
    near(&logits, &decoded_by_formula(&named, &states, &TOKENS).concat(), 1e-4);
    let int8 = open(Precision::Int8, Isa::best());
    let (states, near) = (encoded(&int8), read(&int8, &source(&int8), &TOKENS, &[7]));
    assert!(near != logits && cosine(&states, &encoded(&float)) > 0.998 && cosine(&near, &logits) > 0.998);
}

#[test]
fn a_token_has_the_same_bits_in_any_steps_on_any_isa_and_in_any_company() {
    for precision in [Precision::Float, Precision::Int8] {
        let judge = open(precision, Isa::Scalar);
        let states = source(&judge);
        let whole = read(&judge, &states, &TOKENS, &[7]);
        for isa in available() {
            let whisper = open(precision, isa);
            let states = source(&whisper);
            for steps in [&[7][..], &[1; 7], &[2, 1, 4], &[6, 0, 1]] {
                assert_eq!(read(&whisper, &states, &TOKENS, steps), whole, "{precision:?} {isa:?} {steps:?}");
            }
        }
        let others: [&[u32]; 2] = [&[5, 6], &[40, 41, 42, 3]];
        let (mut room, mut caches) = (judge.workspace(13), [(); 3].map(|()| judge.cache()));
        let [first, second, third] = &mut caches;
        let other = judge.source();
        let turns = &mut [
            Turn { tokens: others[0], cache: first, source: &other },
            Turn { tokens: &TOKENS, cache: second, source: &states },
            Turn { tokens: others[1], cache: third, source: &states },
        ];
        judge.read(&mut room, turns).unwrap();
        let beside: Vec<f32> = judge.logits(&mut room, 2..9).unwrap().flatten().copied().collect();
        assert_eq!(beside, whole, "{precision:?} beside others");
        let last: Vec<f32> = judge.logits(&mut room, 9..13).unwrap().flatten().copied().collect();
        assert_eq!(last, read(&judge, &states, others[1], &[4]), "{precision:?} after others");
    }
}

#[test]
fn threads_that_share_a_network_give_the_bits_of_one() {
    let whisper = open(Precision::Int8, Isa::best());
    let expected = read(&whisper, &source(&whisper), &TOKENS, &[7]);
    std::thread::scope(|scope| {
        let asked: Vec<_> =
            (0..3).map(|_| scope.spawn(|| read(&whisper, &source(&whisper), &TOKENS, &[3, 4]))).collect();
        asked.into_iter().for_each(|it| assert_eq!(it.join().unwrap(), expected));
    });
}

#[test]
fn a_sequence_that_is_taken_back_is_continued_as_if_nothing_else_had_been_read() {
    let whisper = open(Precision::Int8, Isa::best());
    let states = source(&whisper);
    let (mut room, mut cache) = (whisper.workspace(7), whisper.cache());
    let mut go = |cache: &mut Cache, tokens: &[u32]| {
        whisper.read(&mut room, &mut [Turn { tokens, cache, source: &states }]).unwrap();
        whisper.logits(&mut room, 0..tokens.len()).unwrap().flatten().copied().collect::<Vec<f32>>()
    };
    go(&mut cache, &[3, 1, 40, 41]);
    cache.truncate(2);
    let continued = go(&mut cache, &TOKENS[2..]);
    assert_eq!(continued, read(&whisper, &states, &TOKENS, &[7])[2 * VOCABULARY..]);
}

#[test]
fn steps_take_no_memory() {
    for precision in [Precision::Float, Precision::Int8] {
        let whisper = open(precision, Isa::best());
        let (spectrum, mut states) = (spectrum(), vec![0.0; FRAMES * WIDTH]);
        let (mut room, mut source, mut cache) = (whisper.workspace(3), whisper.source(), whisper.cache());
        let taken = allocation_counter::measure(|| {
            whisper.encode(&mut room, &spectrum, &mut states).unwrap();
            whisper.take_in(&mut room, &states, &mut source).unwrap();
            for tokens in TOKENS.chunks(3) {
                whisper.read(&mut room, &mut [Turn { tokens, cache: &mut cache, source: &source }]).unwrap();
                assert!(whisper.logits(&mut room, 0..1).unwrap().len() == 1);
            }
        });
        assert_eq!(taken.count_total, 0, "{precision:?}");
    }
}

/// A packed file in memory as a mapping has it: starting at a multiple of 64.
fn mapped(packing: &Packing) -> Weights {
    let bytes = packing.to_bytes().unwrap();
    let mut room = vec![0_u8; bytes.len() + 64];
    let start = room.as_ptr().align_offset(64);
    room[start..start + bytes.len()].copy_from_slice(&bytes);
    Weights::from_bytes(Bytes::from(room).slice(start..start + bytes.len())).unwrap()
}

#[test]
fn packed_weights_give_the_same_bits_and_are_used_where_they_lie() {
    let weights = Weights::from_bytes(small().1).unwrap();
    for precision in [Precision::Float, Precision::Int8] {
        let packed = mapped(&Whisper::packing(&weights, precision).unwrap());
        packed.verify().unwrap();
        let judge = open(precision, Isa::Scalar);
        let expected = read(&judge, &source(&judge), &TOKENS, &[7]);
        let large: usize =
            packed.iter().filter(|(_, it)| matches!(it.layout, Layout::Own(_))).map(|(_, it)| it.len()).sum();
        for isa in available() {
            let mut opened = None;
            let taken =
                allocation_counter::measure(|| opened = Some(Whisper::open(&packed, None, isa).unwrap()));
            let whisper = opened.unwrap();
            assert_eq!(whisper.precision(), precision);
            assert_eq!(
                read(&whisper, &source(&whisper), &TOKENS, &[1; 7]),
                expected,
                "{precision:?} {isa:?}"
            );
            // Norms, positions and names are copied; the layers are not.
            assert!(3 * taken.bytes_max < large as u64, "{} of {large}", taken.bytes_max);
        }
        let refused = match precision {
            Precision::Float => Whisper::open(&packed, Some(Precision::Int8), Isa::best()),
            _ => Whisper::open(&packed, Some(Precision::Float), Isa::best()),
        };
        assert!(matches!(refused, Err(Error::Refused { .. })));
    }
}

#[test]
fn a_table_of_two_names_is_packed_once_and_what_older_versions_packed_is_read() {
    let weights = Weights::from_bytes(small().1).unwrap();
    let plain = Packing::of(&weights).unwrap();
    let bytes = plain.to_bytes().unwrap();
    let table = VOCABULARY * WIDTH * 4;
    let read_back = Weights::from_bytes(bytes.clone()).unwrap();
    read_back.verify().unwrap();
    let name = |layer: &str| format!("decoder/{layer}/weight");
    assert_eq!(read_back.bytes(&name("projection")).unwrap(), read_back.bytes(&name("embeddings")).unwrap());
    assert_eq!(
        read_back.section(&name("projection")).unwrap(),
        read_back.section(&name("embeddings")).unwrap()
    );
    assert_eq!(read_back.section(&name("projection")).unwrap().len(), table);

    // As the first version wrote it: every section by itself.
    let mut twice = Packing::new();
    weights.notes().iter().for_each(|(key, note)| twice.note(key, note.clone()));
    for (name, section) in weights.iter() {
        let bytes = weights.bytes(name).unwrap().to_vec();
        twice.push(name, &section.shape, section.layout.clone(), bytes).unwrap();
    }
    let twice = twice.to_bytes().unwrap();
    assert!(twice.len() - bytes.len() >= table, "{} and {} bytes", twice.len(), bytes.len());
    let old = Weights::from_bytes(twice).unwrap();
    for precision in [None, Some(Precision::Int8)] {
        let [old, new] = [&old, &weights].map(|it| Whisper::open(it, precision, Isa::best()).unwrap());
        assert_eq!(read(&old, &source(&old), &TOKENS, &[7]), read(&new, &source(&new), &TOKENS, &[7]));
    }
}

#[test]
fn as_a_network_it_answers_as_step_by_step() {
    let whisper = open(Precision::Int8, Isa::best());
    let (states, logits) = (encoded(&whisper), read(&whisper, &source(&whisper), &TOKENS, &[7]));
    let network = Network::new(Box::new(whisper));
    let tokens = Tensor::i64([7], TOKENS.iter().map(|&it| i64::from(it)).collect()).unwrap();
    let mut inputs: Tensors = mel(1);
    inputs.insert("tokens", tokens);
    for _ in 0..2 {
        let got = network.run(&inputs).unwrap();
        assert_eq!(got.get("states").unwrap().as_f32().unwrap(), states);
        assert_eq!(got.get("logits").unwrap().as_f32().unwrap(), logits);
    }
    inputs.insert("tokens", Tensor::i64([1], vec![VOCABULARY as i64]).unwrap());
    let message = network.run(&inputs).err().unwrap().to_string();
    assert!(message.contains("numbers from 0 to 42, got 43"), "{message}");
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_read() {
    let whisper = open(Precision::Float, Isa::best());
    let states = source(&whisper);
    let (mut room, mut cache) = (whisper.workspace(1), whisper.cache());
    let mut go = |cache: &mut Cache, tokens: &[u32]| {
        whisper.read(&mut room, &mut [Turn { tokens, cache, source: &states }]).map_err(|it| it.to_string())
    };
    let message = go(&mut cache, &[VOCABULARY as u32]).unwrap_err();
    assert!(message.contains("numbers from 0 to 42, got 43"), "{message}");
    let message = go(&mut cache, &[0; CONTEXT + 1]).unwrap_err();
    assert_eq!(message, "a sequence: expected at most 12 tokens, got 13");
    let message = go(&mut cache, &[0; 200]).unwrap_err();
    assert!(message.starts_with("a step: expected at most"), "{message}");
    assert!(cache.is_empty());
    go(&mut cache, &[1, 2]).unwrap();
    assert!(whisper.logits(&mut room, 0..3).is_err() && whisper.logits(&mut room, 1..2).is_ok());
    let states = vec![0.0; (FRAMES + 1) * WIDTH];
    assert!(matches!(
        whisper.take_in(&mut room, &states, &mut whisper.source()),
        Err(Error::TooLarge { .. })
    ));
    assert!(whisper.take_in(&mut room, &states[1..], &mut whisper.source()).is_err());
    assert!(whisper.encode(&mut room, &states, &mut vec![0.0; FRAMES * WIDTH]).is_err());
}

/// The small network with the bytes of one weight changed, opened.
fn changed(which: &str, change: impl Fn(&mut Vec<u8>)) -> String {
    let (weights, mut packing) = (Weights::from_bytes(small().1).unwrap(), Packing::new());
    weights.notes().iter().for_each(|(key, note)| packing.note(key, note.clone()));
    for (name, section) in weights.iter() {
        let mut bytes = weights.bytes(name).unwrap().to_vec();
        if name == which {
            change(&mut bytes);
        }
        packing.push(name, &section.shape, section.layout.clone(), bytes).unwrap();
    }
    let weights = Weights::from_bytes(packing.to_bytes().unwrap()).unwrap();
    Whisper::open(&weights, None, Isa::best()).err().map_or("opened".into(), |it| it.to_string())
}

#[test]
fn another_kind_of_decoder_or_an_untied_table_is_refused() {
    assert_eq!(changed("none", |_| {}), "opened");
    let message = changed("decoder/activation", |it| it[0] = 0);
    assert!(message.contains("decoder/activation: expected 3"), "{message}");
    let message = changed("decoder/num_heads", |it| it[0] = 4);
    assert!(message.contains("heads of a multiple of 16 values, got 8"), "{message}");
    let message = changed("decoder/projection/weight", |it| it[0] ^= 1);
    assert!(message.contains("another table than the embeddings"), "{message}");
}
