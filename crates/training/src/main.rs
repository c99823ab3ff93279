//! Fits the networks that ship: from published data to ONNX and a card, by one command each and to the same bytes.
//!
//! ```text
//! inkling-training digits   --data DIR --out networks/digits@1   --work DIR
//! inkling-training drawings --data DIR --out networks/drawings@1 --work DIR
//! ```
//!
//! **In**: published drawings (`ink` reads them). **Out**: an ONNX graph (`neural` writes it), `card.json` and `card.md`; and, in a
//! folder of their own because they are made of the data, pictures to calibrate and to judge on. The network of a cohort's
//! numbers is `learn`'s and is exported by `inkling cost`.
//!
//! A program of its own: gradients, augmentation and the layouts of other people's data are of no use to whoever runs Inkling.
#![forbid(unsafe_code)]

mod card;
mod export;
mod fit;
mod network;
mod pen;
mod product;
mod recipe;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use recipe::Places;

/// Fit the networks that ship.
#[derive(Parser)]
#[command(name = "inkling-training", version)]
struct Line {
    #[command(subcommand)]
    network: Network,
    /// The folder of published data.
    #[arg(long, global = true, default_value = "data")]
    data: PathBuf,
    /// Folder for the network and its card.
    #[arg(long, global = true, default_value = "network")]
    out: PathBuf,
    /// Folder for what is made of the data: pictures to calibrate and to judge on.
    #[arg(long, global = true, default_value = "target/training")]
    work: PathBuf,
    /// Threads; all cores by default. The network is the same for any.
    #[arg(long, global = true)]
    jobs: Option<usize>,
}

#[derive(Subcommand)]
enum Network {
    /// Digits of UNIPEN, read from strokes.
    Digits,
    /// Seven words of Quick, Draw!: a demonstration.
    Drawings,
}

fn main() -> anyhow::Result<()> {
    let line = Line::parse();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(line.jobs.unwrap_or(0)).build()?;
    let places = Places { data: line.data, out: line.out, work: line.work };
    pool.install(|| match line.network {
        Network::Digits => recipe::digits(&places),
        Network::Drawings => recipe::drawings(&places),
    })
}
