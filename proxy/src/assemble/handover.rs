//! Handing over to a new process without losing a connection (SIGQUIT).
//!
//! The old process starts the same program anew with one end of a socket pair as standard input, and
//! sends the listening sockets through it. Both hold the same queues then, so that no connection is
//! refused at any moment.
//!
//! ```text
//! old                                          new
//!  ├─ starts it, sends listeners ─────────────► reads policy, keys, binds what is new
//!  │ ◄───────────────────────────── "prepared" ─┤ (an error here: the old one serves on)
//!  ├─ stops accepting; state ─────────────────► takes over limits and signatures, accepts
//!  │ ◄────────────────────────────── "serving" ─┤
//!  ├─ drains; signatures of the drain ────────► takes them over too
//!  └─ ends
//! ```

use anyhow::{Context, bail};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Tells a process that its standard input is an older one.
const VARIABLE: &str = "TIDEGATE_HANDOVER";

/// Listeners that are handed over: as many as one message carries, with room.
const LISTENERS_MAX: usize = 64;

/// Bytes of state: 8 million signatures and a million limits fit well.
const STATE_BYTES_MAX: u64 = 1 << 30;

/// For a new process to read its policy and its keys.
const PREPARE_TIME: Duration = Duration::from_secs(60);

/// For the state to be taken over.
const STATE_TIME: Duration = Duration::from_secs(10);

/// The longest drain that a policy allows lies below this.
const DRAIN_TIME: Duration = Duration::from_secs(3_700);

const PREPARED: u8 = b'P';
const SERVING: u8 = b'S';

/// A new process that takes over.
pub struct Heir {
    child: Child,
    line: UnixStream,
}

/// What an older process hands over; by default nothing.
#[derive(Default)]
pub struct Inheritance {
    /// Its listening sockets.
    pub listeners: Vec<TcpListener>,
    line: Option<UnixStream>,
}

// === impl Heir ===

impl Heir {
    /// Starts this program anew, with the same arguments, and waits until it is prepared. Blocks.
    ///
    /// # Errors
    /// When it cannot be started or ends instead of being prepared.
    pub fn start(listeners: &[TcpListener]) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program's file is not known")?;
        let mut command = Command::new(program);
        command.args(std::env::args_os().skip(1));
        Self::of(command, listeners)
    }

    fn of(mut command: Command, listeners: &[TcpListener]) -> anyhow::Result<Self> {
        let (line, theirs) = UnixStream::pair()?;
        command
            .env(VARIABLE, "stdin")
            .stdin(Stdio::from(OwnedFd::from(theirs)));
        let child = command
            .spawn()
            .context("the new process cannot be started")?;
        // The command still holds their end: without this a process that ends would not be noticed.
        drop(command);
        let mut heir = Self { child, line };
        match heir.prepare(listeners) {
            Ok(()) => Ok(heir),
            Err(error) => {
                let _ = heir.child.kill();
                let _ = heir.child.wait();
                Err(error)
            }
        }
    }

    fn prepare(&mut self, listeners: &[TcpListener]) -> anyhow::Result<()> {
        send_listeners(&self.line, listeners).context("the listeners cannot be handed over")?;
        self.line.set_read_timeout(Some(PREPARE_TIME))?;
        expect(&mut self.line, PREPARED).context("the new process did not become ready")
    }

    /// Gives the state to the new process and waits until it serves. Blocks.
    ///
    /// # Errors
    /// When it does not.
    pub fn give_state(&mut self, state: &[u8]) -> anyhow::Result<()> {
        self.line.set_write_timeout(Some(STATE_TIME))?;
        self.line.set_read_timeout(Some(STATE_TIME))?;
        write_block(&mut self.line, state).context("the state cannot be handed over")?;
        expect(&mut self.line, SERVING).context("the new process does not serve")
    }

    /// Gives the signatures that were accepted during the drain. Blocks.
    ///
    /// # Errors
    /// When the new process has ended.
    pub fn give_signatures(mut self, replays: &[u8]) -> io::Result<()> {
        write_block(&mut self.line, replays)
    }

    /// The new process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

// === impl Inheritance ===

impl Inheritance {
    /// Listening sockets that this process has bound already.
    #[must_use]
    pub const fn of_listeners(listeners: Vec<TcpListener>) -> Self {
        Self {
            listeners,
            line: None,
        }
    }

    /// What an older process hands over, when this one was started by it. Call it once.
    ///
    /// # Errors
    /// When there is an older process and it says nothing sensible.
    pub fn receive() -> anyhow::Result<Self> {
        if std::env::var_os(VARIABLE).is_none() {
            return Ok(Self::default());
        }
        let line = io::stdin().as_fd().try_clone_to_owned()?;
        Self::of(UnixStream::from(line)).context("the older process handed nothing over")
    }

    fn of(line: UnixStream) -> anyhow::Result<Self> {
        line.set_read_timeout(Some(STATE_TIME))?;
        let listeners = receive_listeners(&line)?;
        Ok(Self {
            listeners,
            line: Some(line),
        })
    }

    /// Says that everything is ready but the state, and waits for it; `None` when there is no older
    /// process. Blocks.
    ///
    /// # Errors
    /// When the older process ended: then it did not stop serving in good order.
    pub fn take_state(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(line) = &mut self.line else {
            return Ok(None);
        };
        line.write_all(&[PREPARED])?;
        line.set_read_timeout(Some(PREPARE_TIME))?;
        read_block(line).map(Some)
    }

    /// Says that this process serves.
    ///
    /// # Errors
    /// When the older process has ended.
    pub fn serving(&mut self) -> io::Result<()> {
        match &mut self.line {
            Some(line) => line.write_all(&[SERVING]),
            None => Ok(()),
        }
    }

    /// Waits for the signatures that the older process accepted during its drain. Blocks long.
    ///
    /// # Errors
    /// When the older process ended without giving them.
    pub fn take_signatures(self) -> io::Result<Option<Vec<u8>>> {
        let Some(mut line) = self.line else {
            return Ok(None);
        };
        line.set_read_timeout(Some(DRAIN_TIME))?;
        read_block(&mut line).map(Some)
    }
}

fn expect(line: &mut UnixStream, wanted: u8) -> anyhow::Result<()> {
    let mut byte = [0];
    match line.read(&mut byte) {
        Ok(1) if byte[0] == wanted => Ok(()),
        Ok(0) => bail!("it ended: see what it said"),
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
            bail!("it ended: see what it said")
        }
        Ok(_) => bail!("it speaks another version of this protocol"),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => bail!("it took too long"),
        Err(error) => Err(error.into()),
    }
}

fn write_block(line: &mut UnixStream, bytes: &[u8]) -> io::Result<()> {
    line.write_all(&(bytes.len() as u64).to_le_bytes())?;
    line.write_all(bytes)
}

fn read_block(line: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    line.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > STATE_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    line.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length {
        Ok(bytes)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// One message: how many, and the sockets themselves.
fn send_listeners(line: &UnixStream, listeners: &[TcpListener]) -> anyhow::Result<()> {
    if listeners.len() > LISTENERS_MAX {
        bail!(
            "{} listeners are more than {LISTENERS_MAX}",
            listeners.len()
        );
    }
    let sockets: Vec<BorrowedFd<'_>> = listeners.iter().map(AsFd::as_fd).collect();
    let count = [u8::try_from(sockets.len())?];
    let mut space = [0; rustix::cmsg_space!(ScmRights(LISTENERS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !sockets.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&sockets)) {
        bail!("the listeners do not fit into one message");
    }
    rustix::net::sendmsg(
        line,
        &[IoSlice::new(&count)],
        &mut control,
        SendFlags::empty(),
    )?;
    Ok(())
}

fn receive_listeners(line: &UnixStream) -> anyhow::Result<Vec<TcpListener>> {
    let mut count = [0];
    let mut space = [0; rustix::cmsg_space!(ScmRights(LISTENERS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let mut pieces = [IoSliceMut::new(&mut count)];
    let read = rustix::net::recvmsg(line, &mut pieces, &mut control, flags)?;
    let mut listeners = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(sockets) = message {
            listeners.extend(sockets.map(TcpListener::from));
        }
    }
    if read.bytes != 1 || listeners.len() != usize::from(count[0]) {
        bail!("{} listeners of {} arrived", listeners.len(), count[0]);
    }
    Ok(listeners)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn a_listener_goes_over_with_its_queue() {
        let (old, new) = UnixStream::pair().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        send_listeners(&old, &[listener.try_clone().unwrap()]).unwrap();
        let mut waiting = TcpStream::connect(address).unwrap();
        drop(listener);
        let inherited = Inheritance::of(new).unwrap();
        assert_eq!(inherited.listeners[0].local_addr().unwrap(), address);
        let (mut accepted, _) = inherited.listeners[0].accept().unwrap();
        waiting.write_all(b"hello").unwrap();
        let mut hello = [0; 5];
        accepted.read_exact(&mut hello).unwrap();
        assert_eq!(&hello, b"hello");
    }

    #[test]
    fn state_goes_over_between_prepared_and_serving() {
        let (mut old, new) = UnixStream::pair().unwrap();
        send_listeners(&old, &[]).unwrap();
        let mut inherited = Inheritance::of(new).unwrap();
        let state = vec![7; 1_000_000];
        let given = state.clone();
        let parent = std::thread::spawn(move || {
            expect(&mut old, PREPARED).unwrap();
            write_block(&mut old, &given).unwrap();
            expect(&mut old, SERVING).unwrap();
            write_block(&mut old, b"late").unwrap();
        });
        assert_eq!(inherited.take_state().unwrap().unwrap(), state);
        inherited.serving().unwrap();
        assert_eq!(inherited.take_signatures().unwrap().unwrap(), b"late");
        parent.join().unwrap();
    }

    #[test]
    fn a_process_that_ends_at_once_is_noticed() {
        let mut command = Command::new("sh");
        // Reads the listeners' message, and ends without a word.
        command.args(["-c", "head -c 1 > /dev/null"]);
        let error = Heir::of(command, &[]).map(|_| ()).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "the new process did not become ready: it ended: see what it said"
        );
        assert!(Heir::of(Command::new("/nowhere/tidegate"), &[]).is_err());
    }

    #[test]
    fn a_block_that_is_cut_or_too_long_is_refused() {
        let (mut old, mut new) = UnixStream::pair().unwrap();
        old.write_all(&(STATE_BYTES_MAX + 1).to_le_bytes()).unwrap();
        assert!(read_block(&mut new).is_err());
        old.write_all(&5_u64.to_le_bytes()).unwrap();
        old.write_all(b"four").unwrap();
        drop(old);
        assert!(read_block(&mut new).is_err());
    }

    #[test]
    fn nothing_is_inherited_without_an_older_process() {
        let mut none = Inheritance::default();
        assert!(none.take_state().unwrap().is_none());
        none.serving().unwrap();
        assert!(none.take_signatures().unwrap().is_none());
    }
}
