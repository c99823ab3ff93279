//! Prints every measure of a file: `cargo run -p inkling-ink --example print_measures -- FILE`.

use std::{env, error::Error, fs};

use feature::{Usable, Value};
use ink::{Analysis, Options, decode, set};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("which file?")?;
    let options = Options { name: path.clone(), ..Options::default() };
    for named in decode(&fs::read(&path)?, &options)? {
        println!("{}", named.name);
        let drawing = match named.drawing.map(Usable::new) {
            Ok(Ok(drawing)) => drawing,
            Ok(Err(declined)) => {
                println!("  declined: {declined}");
                continue;
            }
            Err(error) => {
                println!("  refused: {error}");
                continue;
            }
        };
        drawing.quality().marks().for_each(|mark| println!("  marked: {}", mark.message));
        for feature in set().measure(&Analysis::new(&drawing)).features() {
            let definition = feature.definition;
            match &feature.value {
                Value::Measured(number) => {
                    println!("  {:34} {number:12.4} {}", definition.name, definition.unit)
                }
                Value::Missing(reason) => println!("  {:34} missing: {reason}", definition.name),
            }
        }
    }
    Ok(())
}
