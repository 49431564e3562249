//! Stepping over terms that nobody has to understand.

use super::{Reader, TermError, tag};

/// The length in bytes of the one term, without version byte, that `bytes` begins with.
///
/// It is checked as a virtual machine checks it, except that a map may have a key twice: finding that takes decoded keys.
/// What is never sent between nodes is refused: compressed terms, references to an atom cache (none is agreed on), terms
/// for local use, and funs of before OTP 23.
///
/// Takes time in proportion to the bytes of the term and no memory, however deeply it is nested and whatever its counts
/// say.
///
/// # Errors
/// What is wrong with the term.
pub fn skip(bytes: &[u8]) -> Result<usize, TermError> {
    let mut reader = Reader::new(bytes);
    walk(&mut reader)?;
    Ok(bytes.len() - reader.remaining().len())
}

/// Moves the reader behind one term.
///
/// Terms are prefix code, so the number of terms still to come is all that has to be remembered.
//= docs/spec/channel.md#ch-term-walk
pub(super) fn walk(reader: &mut Reader<'_>) -> Result<(), TermError> {
    let mut left: u64 = 1;
    while left > 0 {
        left = left - 1 + head(reader)?;
        // Every term has a byte at least, so a count beyond that is a lie.
        //= docs/spec/channel.md#ch-term-counts
        if left > reader.remaining().len() as u64 {
            return Err(TermError::Truncated);
        }
    }
    Ok(())
}

/// Moves the reader behind the tag of one term and all its fixed parts, and says how many terms follow inside it.
fn head(reader: &mut Reader<'_>) -> Result<u64, TermError> {
    if reader.at_atom() {
        return reader.text().map(|_| 0);
    }
    match reader.u8()? {
        tag::SMALL_INTEGER => reader.take(1)?,
        tag::INTEGER => reader.take(4)?,
        tag::NIL => reader.take(0)?,
        tag::STRING => {
            let len = reader.u16()?;
            reader.take(len.into())?
        }
        tag::BINARY => {
            let len = reader.u32()?;
            reader.take(len as usize)?
        }
        tag::BIT_BINARY => return bit_binary(reader),
        tag::SMALL_BIG => {
            let len = reader.u8()?;
            reader.take(1 + usize::from(len))?
        }
        tag::LARGE_BIG => {
            let len = reader.u32()?;
            reader.take(1)?;
            reader.take(len as usize)?
        }
        tag::NEW_FLOAT => return new_float(reader),
        tag::FLOAT => return float(reader),
        tag::SMALL_TUPLE => return reader.u8().map(u64::from),
        tag::LARGE_TUPLE => return reader.u32().map(u64::from),
        tag::LIST => return reader.u32().map(|len| u64::from(len) + 1),
        tag::MAP => return reader.u32().map(|pairs| 2 * u64::from(pairs)),
        tag::NEW_PID => of_node(reader, 12)?,
        tag::PID => of_node(reader, 9)?,
        tag::V4_PORT => of_node(reader, 12)?,
        tag::NEW_PORT => of_node(reader, 8)?,
        tag::PORT | tag::REFERENCE => of_node(reader, 5)?,
        tag::NEWER_REFERENCE => {
            let words = reader.reference_len()?;
            of_node(reader, 4 + 4 * words)?
        }
        tag::NEW_REFERENCE => {
            let words = reader.reference_len()?;
            of_node(reader, 1 + 4 * words)?
        }
        tag::NEW_FUN => return new_fun(reader),
        tag::EXPORT => return export(reader),
        other => return Err(TermError::Unexpected(other)),
    };
    Ok(0)
}

/// The name of a node, and a number of bytes that say what of it.
fn of_node<'a>(reader: &mut Reader<'a>, len: usize) -> Result<&'a [u8], TermError> {
    reader.text()?;
    reader.take(len)
}

fn bit_binary(reader: &mut Reader<'_>) -> Result<u64, TermError> {
    let len = reader.u32()?;
    // How many bits of the last byte count, so none if there is no byte.
    match (reader.u8()?, len) {
        (0, 0) | (1..=8, 1..) => reader.take(len as usize).map(|_| 0),
        _ => Err(TermError::BadBits),
    }
}

fn new_float(reader: &mut Reader<'_>) -> Result<u64, TermError> {
    if f64::from_be_bytes(reader.array()?).is_finite() { Ok(0) } else { Err(TermError::BadFloat) }
}

/// A float as text of 31 bytes, filled up with zeros.
fn float(reader: &mut Reader<'_>) -> Result<u64, TermError> {
    let text = reader.take(31)?.split(|&byte| byte == 0).next().unwrap_or_default();
    let number = core::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok());
    if number.is_some_and(f64::is_finite) { Ok(0) } else { Err(TermError::BadFloat) }
}

/// A fun, up to its free variables.
///
/// Nodes since OTP 23.0 may send a size that is too large, so nobody may rely on it (`external.c`, `decoded_size`).
fn new_fun(reader: &mut Reader<'_>) -> Result<u64, TermError> {
    // Size, arity, the checksum of the module, index.
    reader.take(4 + 1 + 16 + 4)?;
    let variables = reader.u32()?;
    if variables > 255 {
        return Err(TermError::TooManyVariables);
    }
    reader.text()?;
    reader.integer()?;
    reader.integer()?;
    match reader.u8()? {
        tag::NEW_PID => of_node(reader, 12)?,
        tag::PID => of_node(reader, 9)?,
        other => return Err(TermError::Unexpected(other)),
    };
    Ok(variables.into())
}

fn export(reader: &mut Reader<'_>) -> Result<u64, TermError> {
    reader.text()?;
    reader.text()?;
    reader.unsigned().map(|_| 0)
}
