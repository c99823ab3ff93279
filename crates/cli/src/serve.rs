//! `inkling serve`: the server, and what is done to its folder.

use std::{
    io::{BufRead, Write},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use server::{Server, Settings};

/// Serve the API and the page: participants, sessions, assessments, networks. Nothing leaves this machine.
#[derive(Args)]
#[command(
    after_help = "Example:\n  inkling serve --folder clinic --listen 127.0.0.1:8731\n\nEvery setting, of the file and of the environment: docs/server.md"
)]
pub(crate) struct Line {
    /// A file of settings (TOML); the environment (INKLING_FOLDER …) goes before it, these flags before both.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where everything is kept: database, sealed files, keys.
    #[arg(long, global = true)]
    folder: Option<PathBuf>,
    /// Address and port to listen at.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// postgres://… instead of SQLite in the folder.
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Walk the audit chain of every organisation and say where it breaks.
    Audit,
    /// Copy database and sealed files into a new folder, also while the server runs. Keep the master keys elsewhere.
    Backup {
        /// The new folder.
        to: PathBuf,
    },
    /// Put a backup into an empty folder that has the master keys, and check every byte of it.
    Restore {
        /// The backup's folder.
        from: PathBuf,
    },
    /// Make a new master key and wrap every data key with it. Stop the server first.
    RotateKeys,
    /// Add an organisation with its administrator; the password is read from standard input.
    AddOrganisation {
        /// Its name.
        name: String,
        /// What its administrator signs in with.
        #[arg(long)]
        login: String,
    },
    /// Print the description of the API (OpenAPI 3.1).
    Openapi,
}

pub(crate) fn run(line: &Line) -> Result<ExitCode> {
    server::log_to_stderr();
    if let Some(Command::Openapi) = line.command {
        writeln!(std::io::stdout(), "{}", server::openapi())?;
        return Ok(ExitCode::SUCCESS);
    }
    let settings = settings(line)?;
    match &line.command {
        None => serve(settings)?,
        Some(Command::Audit) => whole(&server::verify_audit(&settings)?),
        Some(Command::Backup { to }) => {
            println!("{} files and the database in {}", server::backup(&settings, to)?, to.display());
        }
        Some(Command::Restore { from }) => whole(&server::restore(&settings, from)?),
        Some(Command::RotateKeys) => println!("{} data keys wrapped anew", server::rotate_keys(&settings)?),
        Some(Command::AddOrganisation { name, login }) => {
            let mut password = String::new();
            std::io::stdin().lock().read_line(&mut password).context("a password on standard input")?;
            server::add_organisation(
                &settings,
                name,
                login,
                password.trim_end_matches(['\r', '\n']).to_owned(),
            )?;
        }
        Some(Command::Openapi) => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn settings(line: &Line) -> Result<Settings> {
    let mut settings = Settings::read(line.config.as_deref())?;
    settings.folder = line.folder.clone().unwrap_or(settings.folder);
    settings.listen = line.listen.unwrap_or(settings.listen);
    settings.database = line.database.clone().or(settings.database);
    Ok(settings)
}

fn serve(settings: Settings) -> Result<()> {
    let folder = settings.folder.clone();
    let server = Server::start(settings).with_context(|| folder.display().to_string())?;
    let address = server.address();
    let mut said = format!("Inkling serves http://{address}/ from {}\n", folder.display());
    if let Some(token) = server.setup_token() {
        said += "There is no account yet. Make the first one there from this machine, or from another with the token ";
        said += &format!("{token}\n");
    }
    // Nobody need listen: a server whose terminal has gone goes on.
    let mut out = std::io::stdout();
    let _ = out.write_all(said.as_bytes()).and_then(|()| out.flush());
    server.until_told()?;
    Ok(())
}

fn whole(chains: &[server::Chain]) {
    for chain in chains {
        println!("{}: {} records, each as it was written", chain.tenant, chain.records);
    }
}
