//! What comes in broken, swollen or half: each gets a problem that helps, and leaves nothing behind.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::client::{Client, House, fixture, form};

fn ready(house: &House) -> (Client, String) {
    let clinician = house.member(&house.administrator(), "clinician");
    let participant = clinician.participant(&json!({}), true, false);
    let session = clinician.session(&participant);
    (clinician, session)
}

fn files(house: &House) -> usize {
    let blobs = house.folder.path().join("blobs");
    let of = |path: &std::path::Path| std::fs::read_dir(path).unwrap().count();
    of(&blobs) - 1 + of(&blobs.join("new"))
}

#[test]
fn bodies_that_are_not_what_they_should_be_are_refused_with_what_was_expected() {
    let house = House::new();
    let (clinician, session) = ready(&house);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let post = |kind: &str, body: &str| {
        clinician.ask("POST", "/v1/participants", &[("content-type", kind)], body.as_bytes())
    };
    assert!(post("text/plain", "{}").problem(415, "media-type").contains("application/json"));
    assert!(post("application/json", "{").problem(422, "invalid").contains("line 1"));
    assert!(post("application/json", r#"{"nmae": "x"}"#).problem(422, "invalid").contains("nmae"));
    post("application/json", r#"{"birth_year": 3}"#).problem(422, "invalid");
    post("application/json", &deep).problem(422, "invalid");
    post("application/json", &"x".repeat(5 << 20)).problem(413, "too-large");
    clinician.get("/v1/participants?limit=many").problem(422, "invalid");
    clinician.get("/v1/participants?limt=1").problem(422, "invalid");
    clinician.get("/v1/nowhere").problem(404, "not-found");
    clinician.ask("PUT", "/v1/accounts", &[], b"x").problem(404, "not-found");
    clinician
        .send("POST", "/v1/participants", &[("idempotency-key", "")], &json!({}))
        .problem(422, "invalid");

    let at = format!("/v1/sessions/{session}/submissions");
    let upload = |kind: &str, body: &[u8]| clinician.ask("POST", &at, &[("content-type", kind)], body);
    upload("application/json", b"{}").problem(415, "media-type");
    upload("multipart/form-data", b"x").problem(415, "media-type");
    upload("multipart/form-data; boundary=line", b"").problem(400, "broken-off");
    let (kind, whole) = form(&json!({ "task": "clock", "file": "c.json" }), &fixture("clock.json"));
    upload(&kind, &whole[..whole.len() / 2]).problem(400, "broken-off");
    upload(&kind, &whole[..whole.len() - 12]).problem(400, "broken-off");
    for manifest in
        [json!({}), json!({ "task": "a/b", "file": "c" }), json!({ "task": "clock", "file": "../c" })]
    {
        upload(&kind, &form(&manifest, b"[]").1).problem(422, "invalid");
    }
    let wrong = json!({ "task": "clock", "file": "c.json", "blake3": "00".repeat(32) });
    upload(&kind, &form(&wrong, b"[]").1).problem(422, "invalid");
    let long = json!({ "task": "clock", "file": "c.json", "capture": { "x": "y".repeat(20_000) } });
    upload(&kind, &form(&long, b"[]").1).problem(413, "too-large");
    assert_eq!(files(&house), 0, "something of a refused upload was left");
    assert_eq!(clinician.get(&at).expect(200), json!([]));
}

#[test]
fn bombs_are_answered_soon_and_take_no_room() {
    let house = House::with(|it| server::Settings { upload_bytes: 1 << 20, recording_seconds: 60.0, ..it });
    let (clinician, session) = ready(&house);
    let begun = Instant::now();
    let big = vec![0; 3 << 20];
    clinician.hand_in(&session, ("picture", "p.wav"), &big, None).problem(413, "too-large");
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(files(&house), 0);
    // A header that promises four gibibytes, and a drawing of very many points: taken in, and declined when measured.
    let mut lying = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\xff\xff\xff\xff".to_vec();
    lying.extend([0; 64]);
    clinician.hand_in(&session, ("picture", "p.wav"), &lying, None).expect(201);
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    clinician.hand_in(&session, ("clock", "c.json"), nested.as_bytes(), None).expect(201);
    let done = clinician.assess(&session);
    assert_eq!(done["outcome"], "declined", "{done}");
}

#[test]
fn a_client_that_leaves_or_stalls_in_the_middle_leaves_nothing() {
    let house = House::new();
    let (clinician, session) = ready(&house);
    let head = format!(
        "POST /v1/sessions/{session}/submissions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: multipart/form-data; boundary=line\r\ncontent-length: 1000000\r\n\r\n",
        clinician.token.as_ref().unwrap()
    );
    let (_, whole) = form(&json!({ "task": "clock", "file": "c.json" }), &vec![7; 500_000]);
    let begin = || {
        let mut stream = TcpStream::connect(house.address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&whole[..300_000]).unwrap();
        stream
    };
    drop(begin());
    let mut stalled = begin();
    let mut answer = String::new();
    stalled.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let _ = stalled.read_to_string(&mut answer);
    assert!(answer.contains("broken-off"), "{answer}");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(files(&house), 0);
}

#[test]
fn a_client_that_never_ends_its_head_is_let_go_and_the_others_are_answered() {
    let house = House::new();
    let mut slow: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(house.address).unwrap()).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nx-slow: ").unwrap();
    }
    assert_eq!(house.nobody().get("/livez").status, 204);
    let begun = Instant::now();
    let mut rest = Vec::new();
    slow[0].set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let _ = slow[0].read_to_end(&mut rest);
    assert!(begun.elapsed() < Duration::from_secs(15), "a slow head is waited for");
}

#[test]
fn a_locked_database_is_a_problem_that_passes() {
    let house = House::new();
    let (clinician, _) = ready(&house);
    let script = "import sqlite3,sys,time\nc=sqlite3.connect(sys.argv[1],isolation_level=None)\nc.execute('BEGIN IMMEDIATE')\n\
                  print('held',flush=True)\nsys.stdin.read()\n";
    let held = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(house.folder.path().join("inkling.db"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn();
    let Ok(mut held) = held else {
        eprintln!("skipped: python3 holds the lock of this test");
        return;
    };
    let mut line = [0; 5];
    held.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
    let answer = clinician.post("/v1/participants", &json!({ "name": "x" }));
    answer.problem(503, "store-busy");
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(house.nobody().get("/livez").status, 204);
    drop(held.stdin.take());
    held.wait().unwrap();
    clinician.post("/v1/participants", &json!({ "name": "x" })).expect(201);
}

#[test]
fn a_screener_that_vanished_or_broke_leaves_the_old_ones_at_work() {
    let house = House::new();
    let administrator = house.administrator();
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../screeners/handwriting-darwin@1");
    let folder = house.folder.path().join("screeners/mine@1");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["screener.json", "card.json"] {
        std::fs::copy(format!("{shipped}/{name}"), folder.join(name)).unwrap();
    }
    let reload = || administrator.post("/v1/screeners/reload", &json!({}));
    assert_eq!(reload().expect(200)["screeners"], 2);
    std::fs::write(folder.join("card.json"), b"{").unwrap();
    reload().problem(409, "conflict");
    assert_eq!(administrator.get("/v1/screeners").expect(200).as_array().unwrap().len(), 2);
    std::fs::remove_file(folder.join("card.json")).unwrap();
    reload().problem(409, "conflict");
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(reload().expect(200)["screeners"], 1);
}
