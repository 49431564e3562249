//! The step that every runtime, simulator and fuzzer shares on the data plane.

use super::{LinkReader, Violation};
use crate::process::{Deliver, Processes};

/// Decodes what one read of a link brought, and has it handled.
///
/// Who shares [`Processes`] between threads takes the two steps apart instead: [`LinkReader::decode`] before the lock is
/// taken, [`Batch::apply`](super::Batch::apply) while it is held.
///
/// # Errors
/// What ends the link. All that came before it was handled.
pub fn pump(
    reader: &mut LinkReader,
    bytes: &[u8],
    processes: &mut Processes,
    deliver: &mut impl Deliver,
) -> Result<(), Violation> {
    reader.decode(bytes).apply(processes, deliver)
}
