//! What the requests do and what is answered (`epmd_srv.c: do_request`).

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::connection::After;
use super::{Server, State};
use crate::creation::Creation;
use crate::epmd::ServerDiagnostic;
use crate::ids::StreamId;
use crate::wire::epmd::{
    Alive2Resp, Entry, KillResp, Listing, Name, Port2Resp, Request, RequestError, StopResp,
};

/// An answer that there is.
pub(super) struct Reply {
    pub(super) bytes: Vec<u8>,
    /// In so many writes OTP's daemon sends it, each with a delay.
    pub(super) writes: usize,
    pub(super) after: After,
    /// The name that this connection holds from now on.
    pub(super) name: Option<Arc<str>>,
}

impl Reply {
    fn new(after: After, emit: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut bytes = Vec::new();
        emit(&mut bytes);
        Self { bytes, writes: 1, after, name: None }
    }
}

impl Server {
    /// The answer to a request, or why there is none.
    pub(super) fn serve(
        &mut self,
        stream: StreamId,
        local: bool,
        request: Result<Request<'_>, RequestError>,
    ) -> Result<Reply, ServerDiagnostic> {
        use ServerDiagnostic::{BadRequest, NotLocal};
        match request {
            //= docs/spec/epmd.md#epmd-server-everyone
            Ok(Request::Names) => Ok(self.listing(self.names.names(), self.names.len())),
            Ok(Request::PortPlease2 { name }) => Ok(self.port_please(name)),
            //= docs/spec/epmd.md#epmd-server-local
            Ok(Request::Alive2(_) | Request::Dump | Request::Kill | Request::Stop { .. })
            | Err(RequestError::Refused { .. } | RequestError::NoSuchNode)
                if !local =>
            {
                Err(NotLocal)
            }
            Ok(Request::Alive2(entry)) => Ok(self.alive2(stream, &entry)),
            Err(error @ RequestError::Refused { highest, .. }) => {
                self.tell(BadRequest(error));
                Ok(refused(highest))
            }
            Ok(Request::Dump) => {
                Ok(self.listing(self.names.dump(), self.names.len() + self.names.remembered()))
            }
            Ok(Request::Kill) => Ok(self.kill()),
            //= docs/spec/epmd.md#epmd-server-stop
            Ok(Request::Stop { .. }) | Err(RequestError::NoSuchNode)
                if !self.config.relaxed_command_check =>
            {
                Err(ServerDiagnostic::StopRefused)
            }
            Ok(Request::Stop { name }) => Ok(self.stop_node(name)),
            Err(RequestError::NoSuchNode) => Ok(stopped(StopResp::NoExist)),
            Err(
                error @ (RequestError::Fields
                | RequestError::Length
                | RequestError::Name(_)
                | RequestError::Opcode(_)
                | RequestError::Surplus),
            ) => Err(BadRequest(error)),
        }
    }

    //= docs/spec/epmd.md#epmd-server-register
    fn alive2(&mut self, stream: StreamId, entry: &Entry<'_>) -> Reply {
        // Wraps in 2106, and the creations with it.
        let seconds = self.clock.as_nanos() / 1_000_000_000;
        let time = Creation(self.config.unix_time.wrapping_add(seconds as u32));
        let name = String::from(entry.name.as_str());
        let Some((held, creation)) = self.names.register(entry, stream, time) else {
            self.tell(ServerDiagnostic::NameTaken { name });
            return refused(entry.info.highest);
        };
        self.tell(ServerDiagnostic::Registered { name, port: entry.info.port, creation });
        let answer = Alive2Resp::granted(entry.info.highest, creation);
        Reply { name: Some(held), ..Reply::new(After::Hold, |out| answer.emit(out)) }
    }

    fn port_please(&self, name: Name<'_>) -> Reply {
        let answer = self.names.find(name).map_or(Port2Resp::NotFound, Port2Resp::Found);
        Reply::new(After::End, |out| answer.emit(out))
    }

    fn listing(&self, text: Vec<u8>, lines: usize) -> Reply {
        let port = match self.state {
            State::Serving { port } => port,
            State::Starting | State::Stopped(_) => 0,
        };
        let answer = Listing { epmd_port: port.into(), text: &text };
        Reply { writes: 1 + lines, ..Reply::new(After::End, |out| answer.emit(out)) }
    }

    //= docs/spec/epmd.md#epmd-server-kill
    fn kill(&mut self) -> Reply {
        if self.names.len() > 0 && !self.config.relaxed_command_check {
            self.tell(ServerDiagnostic::KillRefused);
            return Reply::new(After::End, |out| KillResp::No.emit(out));
        }
        self.tell(ServerDiagnostic::Killed);
        Reply::new(After::Stop, |out| KillResp::Ok.emit(out))
    }

    fn stop_node(&mut self, name: Name<'_>) -> Reply {
        match self.names.holder(name) {
            Some(stream) => {
                self.end(stream);
                stopped(StopResp::Stopped)
            }
            None => stopped(StopResp::NoExist),
        }
    }
}

/// The connection stays, and holds nothing.
fn refused(highest: u16) -> Reply {
    Reply::new(After::Hold, |out| Alive2Resp::refused(highest).emit(out))
}

fn stopped(answer: StopResp) -> Reply {
    let writes = match answer {
        StopResp::Stopped => 1,
        StopResp::NoExist => 2,
    };
    Reply { writes, ..Reply::new(After::End, |out| answer.emit(out)) }
}
