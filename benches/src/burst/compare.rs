//! Runs the processes and prints what they say.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::{EVENTS, Kind, Way};

/// `burst [KIND] [MILLISECONDS] [WAY]`.
pub fn compare(only: &[&str]) {
    let wanted = |name: &str| {
        let among = |names: &[&str]| only.iter().any(|only| names.contains(only));
        let (kinds, ways) = (Kind::ALL.map(Kind::name), Way::ALL.map(Way::name));
        let group: &[&str] = match name {
            name if kinds.contains(&name) => &kinds,
            name if ways.contains(&name) => &ways,
            _ => &["0", "50", "200"],
        };
        !among(group) || only.contains(&name)
    };
    println!(
        "{:<10} {:>7} {:<15} {:>10} {:>9} {:>10} {:>9} {:>9} {:>8} {:>8} {:>6}  reasons",
        "", "latency", "", "delivered", "reported", "captured", "wall", "events/s", "peak", "CPU", "conns"
    );
    for latency in [0, 50, 200] {
        for kind in Kind::ALL {
            for way in Way::ALL {
                if wanted(&latency.to_string()) && wanted(kind.name()) && wanted(way.name()) {
                    // Without latency the machine decides: the median of three.
                    let rounds = if latency == 0 { 3 } else { 1 };
                    let mut runs: Vec<_> = (0..rounds).map(|_| run(latency, kind, way)).collect();
                    runs.sort_by(|a, b| a.wall.total_cmp(&b.wall));
                    runs[rounds / 2].print(latency, kind, way);
                }
            }
        }
    }
}

struct Run {
    captured: f64,
    wall: f64,
    cpu: f64,
    peak: f64,
    received: Received,
}

fn run(latency: u64, kind: Kind, way: Way) -> Run {
    let receiver = Receiver::start(latency);
    let dsn = format!("http://public@{}/42", receiver.address);
    let arguments = ["burst-client", way.name(), kind.name(), &EVENTS.to_string(), &dsn];
    let output = this().args(arguments).stderr(Stdio::inherit()).output().expect("a client");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let figures: Vec<f64> = text.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
    let [captured, wall, cpu, peak] = figures[..] else { panic!("the client said {text:?}") };
    Run {
        captured: captured / 1e6,
        wall: wall / 1e6,
        cpu: cpu / 1e3,
        peak: peak / 1024.0,
        received: receiver.finish(),
    }
}

impl Run {
    fn print(&self, latency: u64, kind: Kind, way: Way) {
        let received = &self.received;
        println!(
            "{:<10} {:>4} ms {:<15} {:>8.2} % {:>9} {:>7.1} ms {:>7.2} s {:>9.0} {:>4.1} MiB {:>5.1} us {:>6}  {}",
            kind.name(),
            latency,
            way.name(),
            received.delivered as f64 * 100.0 / EVENTS as f64,
            received.reported,
            self.captured * 1e3,
            self.wall,
            received.delivered as f64 / self.wall,
            self.peak,
            self.cpu * 1e6 / EVENTS as f64,
            received.connections,
            received.reasons,
        );
    }
}

/// The server's process.
pub struct Receiver {
    child: Child,
    output: BufReader<ChildStdout>,
    pub address: String,
}

/// What it has received.
#[derive(Debug)]
pub struct Received {
    connections: u64,
    delivered: u64,
    reported: u64,
    reasons: String,
}

impl Receiver {
    pub fn start(latency: u64) -> Self {
        let mut command = this();
        command.args(["burst-server", &latency.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a server");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let mut address = String::new();
        output.read_line(&mut address).expect("its address");
        Self { child, output, address: address.trim().to_owned() }
    }

    /// Ends it, whatever it has under way.
    pub fn stop(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn finish(mut self) -> Received {
        drop(self.child.stdin.take());
        let mut text = String::new();
        self.output.read_to_string(&mut text).expect("its figures");
        let _ = self.child.wait();
        let mut fields = text.trim().splitn(6, ' ');
        let mut next = || fields.next().and_then(|field| field.parse().ok()).unwrap_or(0);
        let (connections, _requests, _bytes, delivered, reported) = (next(), next(), next(), next(), next());
        Received { connections, delivered, reported, reasons: fields.next().unwrap_or_default().to_owned() }
    }
}

fn this() -> Command {
    Command::new(std::env::current_exe().expect("our own path"))
}
