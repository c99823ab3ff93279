//! The networks that ship, on drawings that none of them has seen.
#![allow(clippy::unwrap_used)] // in a test the panic is the message

use std::path::PathBuf;

use ink::synth::{Clock, Pen, clock};
use perceive::Numerals;

fn digits() -> Numerals {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../networks/digits@1/digits.onnx");
    Numerals::open(&path).unwrap()
}

/// The strokes of one numeral of a clock: the face is the first stroke of a clock that lacks everything else.
fn numeral(number: u32, seed: u64) -> Vec<ink::Stroke> {
    let missing = (1..=12).filter(|it| *it != number).collect();
    let drawn = clock(&Clock { missing, hands: false, ..Clock::at(11, 10) }, &Pen::natural(seed));
    let paper = drawn.strokes().iter().filter(|it| it.place == ink::Place::Paper);
    paper.skip(1).cloned().collect()
}

#[test]
fn numerals_of_synthetic_hands_are_read() {
    let digits = digits();
    let mut wrong = vec![];
    for number in 1..=9 {
        for seed in 0..8 {
            let reading = digits.read(&numeral(number, seed)).unwrap().unwrap();
            if reading.likeliest().0 != number as usize {
                wrong.push((number, seed, reading.likeliest()));
            }
        }
    }
    assert!(wrong.len() <= 3, "{} of 72: {wrong:?}", wrong.len());
}

#[test]
fn where_there_is_no_ink_nothing_is_read() {
    assert!(digits().read(&[]).unwrap().is_none());
}
