//! Assessments in the background: claimed by lease, computed on threads of their own, kept exactly once.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use assess::Bundled;
use feature::Declined;
use study::{ParticipantId, Session, Submission};

use crate::{
    Error,
    api::{
        assessments::REPORT,
        participants, sessions,
        submissions::{self, Manifest},
    },
    app::App,
    blobs::Kept,
    clock::rfc3339,
    rendered::Rendered,
    seal::{Key, Place},
    store::{self, assessments, audit::Entry, fresh_id, jobs, jobs::Job},
};

/// How long a claim holds without being renewed: so long does a killed server's job wait for the next one.
const LEASE_MS: i64 = 30_000;
/// How often a claim is renewed.
const RENEW: Duration = Duration::from_secs(8);
/// How long an idle assessor sleeps: jobs of other servers, and of killed ones, come without a call.
const POLL: Duration = Duration::from_secs(1);
/// How long a job waits after the house failed it.
const POSTPONE_MS: i64 = 5_000;
/// How often a job may be begun; more would be a job that takes the server down each time.
const ATTEMPTS: i64 = 5;

/// One assessor: takes the next job for as long as the server serves.
pub(crate) async fn work(app: Arc<App>) {
    let owner = fresh_id();
    while !app.draining() {
        match next(&app, &owner).await {
            Ok(true) => {}
            Ok(false) => drop(tokio::time::timeout(POLL, app.work.notified()).await),
            Err(error) => {
                tracing::error!(cause = %error, "an assessment was put off");
                tokio::time::sleep(POLL).await;
            }
        }
    }
    let given = async {
        let mut write = app.store.write().await?;
        jobs::give_back(&mut write, &owner).await?;
        write.commit().await
    };
    if let Err(error) = given.await {
        tracing::warn!(cause = %error, "leases are left to end by themselves");
    }
}

/// Does the next job; false where there is none.
async fn next(app: &Arc<App>, owner: &str) -> Result<bool, Error> {
    let now = app.store.clock.now();
    let mut write = app.store.write().await?;
    let Some(job) = jobs::claim(&mut write, owner, now, now + LEASE_MS).await? else { return Ok(false) };
    assessments::begins(&mut write, &job.assessment).await?;
    write.commit().await?;
    let done = tokio::select! {
        done = finish(app, owner, &job) => done,
        lost = hold(app, owner, &job) => lost,
    };
    if done.is_err() {
        let mut write = app.store.write().await?;
        jobs::postpone(&mut write, &job, owner, app.store.clock.now() + POSTPONE_MS).await?;
        write.commit().await?;
    }
    done.map(|()| true)
}

/// Renews a claim until it is somebody else's.
async fn hold(app: &App, owner: &str, job: &Job) -> Result<(), Error> {
    loop {
        tokio::time::sleep(RENEW).await;
        let mut write = app.store.write().await?;
        let ours = jobs::renew(&mut write, job, owner, app.store.clock.now() + LEASE_MS).await?;
        write.commit().await?;
        if !ours {
            return Ok(());
        }
    }
}

/// Computes a job and keeps what came of it, in one transaction with the end of the job.
async fn finish(app: &Arc<App>, owner: &str, job: &Job) -> Result<(), Error> {
    let assessment = assessments::find(&mut *app.store.read().await?, &job.tenant, &job.assessment).await?;
    if job.attempts > ATTEMPTS {
        tracing::error!("an assessment was begun too often and is given up");
        return give_up(app, owner, job, "begun too often").await;
    }
    let gathered = gather(app, &assessment).await?;
    let key = app.store.data_key(&mut *app.store.read().await?, &job.tenant, &assessment.participant).await?;
    let sound = gathered.sound.clone();
    match compute(app, &assessment.id, gathered).await? {
        Ok((rendered, word)) => {
            let kept = keep(app, &key, &assessment.id, &rendered).await?;
            conclude(app, owner, job, (&assessment, word, kept, sound)).await
        }
        Err(code) => give_up(app, owner, job, code).await,
    }
}

/// What an assessment is made of.
struct Gathered {
    session: Session,
    media: Vec<Result<Vec<u8>, Declined>>,
    participant: String,
    code: String,
    at: String,
    /// Submissions that are recordings, with their blobs.
    sound: Vec<(String, String)>,
}

async fn gather(app: &App, assessment: &assessments::Assessment) -> Result<Gathered, Error> {
    let (tenant, mut read) = (assessment.tenant.as_str(), app.store.read().await?);
    let sitting = store::sessions::find(&mut read, tenant, &assessment.session).await?;
    let participant = store::participants::find(&mut read, tenant, &assessment.participant).await?;
    let files = store::sessions::submissions(&mut read, tenant, &assessment.session).await?;
    drop(read);
    let facts = sessions::facts(app, &sitting).await?.unwrap_or_default();
    let (code, participant_id) = (participant.code.clone(), participant.id.clone());
    let profile = participants::opened(app, participant).await?.profile.unwrap_or_default();
    let born = profile.birth_year.zip(facts.date).map(|(year, date)| f64::from(date.year() - year));
    let (mut parts, mut media, mut sound) = (vec![], vec![], vec![]);
    for (place, file) in files.iter().enumerate() {
        let Some(manifest) = submissions::manifest(app, file).await? else { continue };
        let bytes = media_of(app, file).await?;
        let name = file_name(&manifest, place);
        if let (Ok(bytes), Some(blob)) = (&bytes, &file.blob)
            && assess::is_sound(bytes, &name)
        {
            sound.push((file.id.clone(), blob.clone()));
        }
        parts.push(Submission { task: manifest.task, file: PathBuf::from(name) });
        media.push(bytes);
    }
    let session = Session {
        participant: Some(ParticipantId::new(&code)?),
        synthetic: facts.synthetic,
        age: facts.age.or(born),
        sex: profile.sex,
        education: profile.education,
        language: facts.language,
        handedness: profile.handedness,
        device: facts.device,
        date: facts.date,
        submissions: parts,
    };
    let at = rfc3339(app.store.clock.now());
    Ok(Gathered { session, media, participant: participant_id, code, at, sound })
}

/// A name for reports: of the client's name only the ending, which may tell the decoder, is kept.
fn file_name(manifest: &Manifest, place: usize) -> String {
    let ending = manifest.file.rsplit_once('.').map_or("", |it| it.1);
    let ending: String = ending.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    format!("{}-{}.{}", place + 1, manifest.task, if ending.is_empty() { "bin" } else { &ending })
}

/// The bytes of a file. One that is gone or damaged is declined with the reason, and the others go on.
async fn media_of(app: &App, file: &store::sessions::Submission) -> Result<Result<Vec<u8>, Declined>, Error> {
    match submissions::bytes(app, file).await {
        Ok(bytes) => Ok(Ok(bytes.to_vec())),
        Err(Error::Vanished { .. }) => {
            Ok(Err(Declined::unreadable("file.open", "the file is not in the store any more")))
        }
        Err(error @ Error::Corrupt { .. }) => {
            tracing::error!(cause = %error, blob = file.blob, "a file is damaged");
            Ok(Err(Declined::unreadable("file.open", "the stored file is damaged and was not read")))
        }
        Err(other) => Err(other),
    }
}

/// Measures and scores on a thread that may block, or says in a code why that cannot be done.
async fn compute(
    app: &Arc<App>,
    id: &str,
    it: Gathered,
) -> Result<Result<(Rendered, &'static str), &'static str>, Error> {
    let (app, id) = (Arc::clone(app), id.to_owned());
    let computing = tokio::task::spawn_blocking(move || {
        let computed = catch_unwind(AssertUnwindSafe(|| {
            let assessment = app.assessor().assess_bytes(it.session, it.media)?.with_norms(app.norms());
            let named = Bundled { assessment: &id, participant: &it.participant, code: &it.code, at: &it.at };
            Ok::<_, assess::Error>((Rendered::of(&assessment, &named), assessment.conclusion.word()))
        }));
        match computed {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => {
                tracing::error!(cause = %error, "a session could not be assessed");
                Err("could not be assessed")
            }
            Err(_) => Err("the assessment broke off"),
        }
    });
    computing.await.map_err(|it| Error::Broken(it.to_string()))
}

async fn keep(app: &App, key: &Key, id: &str, rendered: &Rendered) -> Result<Kept, Error> {
    let plain =
        zeroize::Zeroizing::new(serde_json::to_vec(rendered).map_err(|it| Error::Broken(it.to_string()))?);
    let (blobs, key, id) = (app.store.blobs.clone(), key.clone(), id.to_owned());
    let keeping = tokio::task::spawn_blocking(move || blobs.keep(&key, &Place(REPORT, &id), &plain));
    keeping.await.map_err(|it| Error::Broken(it.to_string()))?
}

/// Keeps the result if the job is still ours, and lets go of the recordings unless their owner agreed to keep them.
async fn conclude(
    app: &App,
    owner: &str,
    job: &Job,
    (assessment, word, kept, sound): (&assessments::Assessment, &str, Kept, Vec<(String, String)>),
) -> Result<(), Error> {
    let concluded = async {
        let (mut write, now) = (app.store.write().await?, app.store.clock.now());
        if !jobs::end(&mut write, job, owner).await? {
            return Ok(None);
        }
        assessments::end(&mut write, &job.assessment, ("done", word), Some(&kept.digest), now).await?;
        let consent =
            store::participants::consent_in_force(&mut write, &job.tenant, &assessment.participant).await?;
        let discarded = if consent.is_some_and(|it| it.keep_sound) { vec![] } else { sound };
        for (submission, _) in &discarded {
            store::sessions::discard(&mut write, submission, now).await?;
        }
        let detail = format!("{word}, {} recordings discarded", discarded.len());
        app.store.record(&mut write, by_server(job, "assessment.done", &detail)).await?;
        write.commit().await?;
        Ok::<_, Error>(Some(discarded))
    };
    match concluded.await {
        Ok(Some(discarded)) => {
            app.metrics.assessed.inc();
            discarded.iter().try_for_each(|(_, blob)| app.store.blobs.remove(blob))
        }
        // Another server was faster, or the participant was erased meanwhile: this result is nobody's.
        Ok(None) => app.store.blobs.remove(&kept.digest),
        Err(error) => {
            let _ = app.store.blobs.remove(&kept.digest);
            Err(error)
        }
    }
}

async fn give_up(app: &App, owner: &str, job: &Job, code: &str) -> Result<(), Error> {
    let mut write = app.store.write().await?;
    if jobs::end(&mut write, job, owner).await? {
        assessments::end(&mut write, &job.assessment, ("failed", code), None, app.store.clock.now()).await?;
        app.store.record(&mut write, by_server(job, "assessment.failed", code)).await?;
        write.commit().await?;
        app.metrics.failed.inc();
    }
    Ok(())
}

fn by_server<'a>(job: &'a Job, action: &'a str, detail: &'a str) -> Entry<'a> {
    Entry { tenant: &job.tenant, actor: "server", role: "server", action, subject: &job.assessment, detail }
}
