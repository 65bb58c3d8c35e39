//! Messages on a pipe: four bytes of length, low byte first, and so many bytes.

use std::io::{self, Read, Write};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The most bytes of one message. What is listed or reported in pieces stays far below; a length beyond this is not
/// ours.
pub const FRAME_BYTES_MAX: usize = 16 << 20;

fn length(message: &[u8]) -> io::Result<[u8; 4]> {
    match u32::try_from(message.len()) {
        Ok(length) if message.len() <= FRAME_BYTES_MAX => Ok(length.to_le_bytes()),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("a message of {} bytes is too long", message.len()),
        )),
    }
}

fn checked(length: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(length) as usize;
    if length > FRAME_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a message of {length} bytes is announced")));
    }
    Ok(length)
}

/// Writes one message and flushes.
///
/// # Errors
/// When the other side is gone, or the message has more than [`FRAME_BYTES_MAX`] bytes.
pub fn write(to: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let mut whole = Vec::with_capacity(4 + message.len());
    whole.extend_from_slice(&length(message)?);
    whole.extend_from_slice(message);
    to.write_all(&whole)?;
    to.flush()
}

/// Reads one message; `None` where the other side closed between two.
///
/// # Errors
/// When the pipe fails, ends inside a message, or announces more than [`FRAME_BYTES_MAX`] bytes.
pub fn read(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut announced = [0; 4];
    match from.read_exact(&mut announced) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut message = vec![0; checked(announced)?];
    from.read_exact(&mut message)?;
    Ok(Some(message))
}

/// [`write()`], without blocking.
///
/// # Errors
/// As [`write()`].
pub async fn send(to: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> io::Result<()> {
    let length = length(message)?;
    to.write_all(&length).await?;
    to.write_all(message).await?;
    to.flush().await
}

/// [`read()`], without blocking. A future that is dropped half-way may have taken a part of a message with it.
///
/// # Errors
/// As [`read()`].
pub async fn receive(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut announced = [0; 4];
    match from.read_exact(&mut announced).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    };
    let mut message = vec![0; checked(announced)?];
    from.read_exact(&mut message).await?;
    Ok(Some(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_that_is_not_ours_is_refused_before_anything_is_allocated() {
        let error = read(&mut [255, 255, 255, 255, 0].as_slice()).expect_err("4 GiB are announced");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(write(&mut io::sink(), &vec![0; FRAME_BYTES_MAX + 1]).is_err());
        assert_eq!(read(&mut [].as_slice()).expect("an end between two messages"), None);
        assert!(read(&mut [3, 0, 0, 0, 1].as_slice()).is_err(), "an end inside of a message");
    }
}
