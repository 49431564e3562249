//! One Erlang node.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;
use std::{env, thread};

use netkernel_core::term::{Limits, Term};

use super::beam::compiled;
use super::{Epmd, GIVE_UP, NO_CRASH_DUMP, Release, Signal, TempDir, elixir, signal};
use crate::log::Log;

/// How a node is started.
#[derive(Clone, Debug)]
pub struct ErlOptions {
    /// Which `erl`.
    pub release: Release,
    /// The part of the name before the `@`.
    pub name: String,
    /// The part behind it; `127.0.0.1` unless set.
    pub host: String,
    /// The cookie; `secret` unless set.
    pub cookie: String,
    /// The port of its EPMD.
    pub epmd: u16,
    /// `net_ticktime` in seconds.
    pub ticktime: Option<u32>,
    /// `net_tickintensity`.
    pub intensity: Option<u32>,
    /// `-hidden`.
    pub hidden: bool,
    /// More arguments for `erl`.
    pub args: Vec<String>,
    /// Whether `elixir` starts it, with Elixir's applications ([`super::Elixir`]).
    pub elixir: bool,
}

impl ErlOptions {
    /// A visible node with Erlang's own defaults.
    #[must_use]
    pub fn new(release: Release, epmd: &Epmd, name: &str) -> Self {
        Self::at(release, epmd.port(), name)
    }

    /// The same with whatever EPMD is at this port.
    #[must_use]
    pub fn at(release: Release, epmd: u16, name: &str) -> Self {
        Self {
            release,
            name: name.to_owned(),
            host: "127.0.0.1".to_owned(),
            cookie: "secret".to_owned(),
            epmd,
            ticktime: None,
            intensity: None,
            hidden: false,
            args: Vec::new(),
            elixir: false,
        }
    }

    /// The same with links only where somebody calls `net_kernel:connect_node/1`. Visible nodes of Erlang make new ones when
    /// they have something to say to each other; a test that counts links forbids that.
    #[must_use]
    pub fn without_auto_connect(mut self) -> Self {
        self.args.extend(["-kernel", "dist_auto_connect", "never"].map(str::to_owned));
        self
    }

    /// The command, with a home and an environment of its own. It starts no EPMD.
    fn command(&self, home: &TempDir, control: u16) -> Command {
        let witness = compiled(self.release, "witness", include_str!("../../otp/witness.erl"));
        let witness = witness.display().to_string();
        let program = if self.elixir { "elixir" } else { "erl" };
        let mut command = Command::new(self.release.program(program));
        command
            .env_clear()
            .envs(NO_CRASH_DUMP)
            .env("PATH", env::var_os("PATH").unwrap_or_default());
        command.env("HOME", home.path()).env("ERL_EPMD_PORT", self.epmd.to_string());
        let name = format!("{}@{}", self.name, self.host);
        if self.elixir {
            command.args(["--name", &name, "--cookie", &self.cookie, "--no-halt"]);
            command.args([
                "--erl",
                &self.flags().join(" "),
                "-e",
                &elixir::start(&witness, control),
            ]);
        } else {
            let start = format!(
                "{{module, witness}} = code:load_abs({witness:?}), witness:start({control})."
            );
            command.args(["-noinput", "-setcookie", &self.cookie, "-name", &name]);
            command.args(self.flags()).args(["-eval", &start]);
        }
        command.current_dir(home.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The flags of `erl`, without those that Elixir has options for.
    fn flags(&self) -> Vec<String> {
        let mut flags = ["-start_epmd", "false"].map(str::to_owned).to_vec();
        // Schedulers that wait busily take the processor from the tests beside.
        for busy_wait in ["+sbwt", "+sbwtdcpu", "+sbwtdio"] {
            flags.extend([busy_wait, "none"].map(str::to_owned));
        }
        flags.extend(["-kernel", "prevent_overlapping_partitions", "false"].map(str::to_owned));
        for (parameter, value) in
            [("net_ticktime", self.ticktime), ("net_tickintensity", self.intensity)]
        {
            flags
                .extend(value.map(|v| [parameter.to_owned(), v.to_string()]).into_iter().flatten());
        }
        flags.extend(self.hidden.then(|| "-hidden".to_owned()));
        flags.extend(self.args.iter().cloned());
        flags
    }
}

/// A running node with a witness inside (`tests/otp/witness.erl`), killed on drop.
///
/// The witness is subscribed to the events of all nodes, with reasons and connection ids, and registered as `witness`.
#[derive(Debug)]
pub struct Erl {
    release: Release,
    name: String,
    child: Child,
    control: TcpStream,
    log: Arc<Log>,
    next_id: AtomicU64,
    _home: TempDir,
}

impl Erl {
    /// Starts a node, and waits until it is up and its witness answers.
    ///
    /// # Panics
    /// If it ends or does not answer, with its output.
    #[must_use]
    pub fn start(options: &ErlOptions) -> Self {
        Self::try_start(options).unwrap_or_else(|output| panic!("{output}"))
    }

    /// The same for a node that may fail to start.
    ///
    /// # Errors
    /// The node's output.
    ///
    /// # Panics
    /// If `erl` cannot be run.
    #[expect(
        clippy::unwrap_in_result,
        reason = "the error is the node's, a panic the test machine's"
    )]
    pub fn try_start(options: &ErlOptions) -> Result<Self, String> {
        let home = TempDir::new();
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("its number").port();
        let mut child = options.command(&home, port).spawn().expect("erl runs");
        let log = Arc::new(Log::default());
        let readers = [
            follow(child.stdout.take().expect("it is piped"), &log),
            follow(child.stderr.take().expect("it is piped"), &log),
        ];
        let Some(control) = accept(&listener, &mut child) else {
            _ = child.kill();
            _ = child.wait();
            readers.into_iter().for_each(|reader| _ = reader.join());
            return Err(format!("{} does not start\n{}", options.name, log.lock()));
        };
        let packets = control.try_clone().expect("a second handle");
        let (name, next_id) = (format!("{}@{}", options.name, options.host), AtomicU64::new(0));
        let release = options.release;
        let erl =
            Self { release, name, child, control, log: Arc::clone(&log), next_id, _home: home };
        thread::spawn(move || listen(packets, &log));
        let pid = erl.log.wait("the witness's first word", GIVE_UP, |said| said.ready)?;
        assert_eq!(pid, erl.pid(), "erl has become the virtual machine, without a process between");
        Ok(erl)
    }

    /// Its full name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process of the virtual machine.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The value of Erlang expressions, as `~0tp` prints it. Events go on while they run.
    ///
    /// # Panics
    /// If they raise an exception, or there is no answer within [`GIVE_UP`].
    pub fn eval(&self, expressions: &str) -> String {
        self.try_eval(expressions).unwrap_or_else(|e| panic!("{}: {expressions}: {e}", self.name))
    }

    /// The same for expressions that may raise an exception.
    ///
    /// # Errors
    /// The exception as `{Class,Reason}`.
    ///
    /// # Panics
    /// If there is no answer within [`GIVE_UP`].
    #[expect(clippy::unwrap_in_result, reason = "the error is Erlang's exception")]
    pub fn try_eval(&self, expressions: &str) -> Result<String, String> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let what = format!("{}: answer to {expressions}", self.name);
        let body = format!("{id} {expressions}.").into_bytes();
        let mut packet = u32::try_from(body.len()).expect("a short text").to_be_bytes().to_vec();
        packet.extend(body);
        // A failure shows in the wait, with the node's output. One write: senders in several threads do not mix.
        _ = (&self.control).write_all(&packet);
        let reply = self.log.wait(&what, GIVE_UP, |said| said.replies.remove(&id));
        reply.unwrap_or_else(|why| panic!("{why}"))
    }

    /// Compiles a module, and loads it.
    ///
    /// # Panics
    /// If it does not compile.
    pub fn load(&self, module: &str, source: &str) {
        let path = compiled(self.release, module, source).display().to_string();
        let load = format!("code:load_abs({path:?})");
        assert_eq!(self.eval(&load), format!("{{module,{module}}}"));
    }

    /// The value of a function for these arguments, both as terms.
    ///
    /// # Panics
    /// As [`Self::eval`].
    pub fn apply(&self, module: &str, function: &str, arguments: Vec<Term>) -> Term {
        let mut bytes = Vec::new();
        Term::list(arguments).encode(&mut bytes).expect("a short list");
        let given: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        let text = self.eval(&format!(
            "binary:encode_hex(term_to_binary(apply({module}, {function}, binary_to_term(binary:decode_hex(<<\"{given}\">>)))))"
        ));
        let digits = text.trim_matches(['<', '>', '"']).as_bytes();
        let digit = |digit: u8| (digit as char).to_digit(16).expect("a digit") as u8;
        let bytes: Vec<_> =
            digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
        Term::decode(&bytes, &Limits::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// `net_adm:ping/1`, and whether it was a `pong`.
    pub fn ping(&self, node: &str) -> bool {
        self.eval(&format!("net_adm:ping('{node}')")) == "pong"
    }

    /// Waits for an event after those that were waited for before: node events in Erlang's form, such as
    /// `{nodeup,'b@127.0.0.1',#{connection_id => 1,node_type => visible}}`, and other messages sent to `witness`.
    /// Events on the way are passed over.
    ///
    /// # Panics
    /// If it does not come within `give_up`, or the node ends.
    pub fn wait_event(&self, give_up: Duration, wanted: impl Fn(&str) -> bool) -> String {
        let found = self.log.wait(&format!("{}: event", self.name), give_up, |said| {
            let at = said.passed + said.events[said.passed..].iter().position(|e| wanted(e))?;
            said.passed = at + 1;
            Some(said.events[at].clone())
        });
        found.unwrap_or_else(|why| panic!("{why}"))
    }

    /// All events so far, also those that were passed over.
    #[must_use]
    pub fn events(&self) -> Vec<String> {
        self.log.lock().events.clone()
    }

    /// The lines on its standard output and standard error so far: what Erlang's logger says.
    #[must_use]
    pub fn output(&self) -> Vec<String> {
        self.log.lock().output.clone()
    }

    /// Sends a signal to the virtual machine.
    pub fn signal(&self, which: Signal) {
        signal(self.pid(), which);
    }

    /// Whether the virtual machine has ended.
    ///
    /// # Panics
    /// Never: it is a child of this process.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_some()
    }

    /// Waits until the node has ended by itself, or after a signal.
    ///
    /// # Panics
    /// If it runs on for [`GIVE_UP`].
    pub fn wait_end(&mut self) {
        let begin = Instant::now();
        while self.child.try_wait().expect("its state").is_none() {
            assert!(begin.elapsed() < GIVE_UP, "{} runs on\n{}", self.name, self.log.lock());
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Erl {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The witness's connection; `None` if the node ends or takes too long.
fn accept(listener: &TcpListener, child: &mut Child) -> Option<TcpStream> {
    listener.set_nonblocking(true).expect("an option of every socket");
    let begin = Instant::now();
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).expect("an option of every socket");
                return Some(stream);
            }
            Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock, "accept: {e}"),
        }
        if begin.elapsed() > GIVE_UP || child.try_wait().expect("its state").is_some() {
            return None;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Logs the lines of one output.
fn follow(output: impl Read + Send + 'static, log: &Arc<Log>) -> thread::JoinHandle<()> {
    let log = Arc::clone(log);
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            log.add(|said| said.output.push(String::from_utf8_lossy(&line).into_owned()));
        }
    })
}

/// Logs the witness's packets until its connection ends.
fn listen(mut packets: TcpStream, log: &Log) {
    while let Ok(packet) = read_packet(&mut packets) {
        let (kind, rest) = packet.split_once(' ').unwrap_or((&packet, ""));
        let (id, term) = rest.split_once(' ').unwrap_or((rest, ""));
        log.add(|said| match (kind, id.parse()) {
            ("ready", _) => said.ready = id.parse().ok(),
            ("ok", Ok(id)) => _ = said.replies.insert(id, Ok(term.to_owned())),
            ("error", Ok(id)) => _ = said.replies.insert(id, Err(term.to_owned())),
            _ => said.events.push(rest.to_owned()),
        });
    }
    log.add(|said| said.ended = true);
}

fn read_packet(stream: &mut TcpStream) -> io::Result<String> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut body = Vec::new();
    stream.take(u32::from_be_bytes(length).into()).read_to_end(&mut body)?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}
