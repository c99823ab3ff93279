//! Networks that hear, see and read: where the nouns and `neural` meet.
//!
//! **What comes in.** What a noun holds ([`ink::Stroke`]s), and a trained [`neural::Network`].
//!
//! **What goes out.** What the network perceives in it, in the noun's words: a [`Reading`] of a numeral. Measures are not made
//! here; a noun that wants one asks, and this answers.
//!
//! **What is refused.** A network of other ports. Strokes that leave no ink are none, not an error.
//!
//! # Example
//! ```
//! use perceive::{CHANNELS, Picture, SIDE};
//!
//! let file = br#"{"label": "1", "strokes": [[[5, 5], [90, 10]]]}"#;
//! let named = ink::decode(file, &ink::Options::default())?.remove(0);
//! let picture = Picture::of(named.drawing?.strokes()).expect("a line leaves ink");
//! assert_eq!(picture.values.len(), CHANNELS * SIDE * SIDE);
//! # Ok::<(), ink::Error>(())
//! ```
//!
//! Where to go next: `networks/` for the networks that ship, and `training` for how they were fitted.
#![forbid(unsafe_code)]

mod error;
mod picture;
mod read;

pub use error::Error;
pub use picture::{CHANNELS, Picture, SIDE};
pub use read::{INPUT, Numerals, OUTPUT, Reading};
