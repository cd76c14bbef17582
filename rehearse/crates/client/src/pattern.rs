//! The checkable body: byte `i` is `i % 251`. The period is a prime, so that no power of two
//! (a buffer's or a page's size) can hide a shifted or repeated block.

const PERIOD: usize = 251;

static BLOCK: [u8; PERIOD * 64] = {
    let mut block = [0; PERIOD * 64];
    let mut i = 0;
    while i < block.len() {
        block[i] = (i % PERIOD) as u8;
        i += 1;
    }
    block
};

/// A piece of the body that begins at `offset`: at most `len` bytes, and at least one unless `len`
/// is 0.
pub(super) fn at(offset: u64, len: u64) -> &'static [u8] {
    let rest = &BLOCK[(offset % PERIOD as u64) as usize..];
    &rest[..usize::try_from(len).map_or(rest.len(), |len| len.min(rest.len()))]
}

/// The place of the first byte that is wrong in `bytes`, a piece of the body from `offset` on.
pub(super) fn first_wrong(mut offset: u64, mut bytes: &[u8]) -> Option<u64> {
    while !bytes.is_empty() {
        let right = at(offset, bytes.len() as u64);
        let (piece, rest) = bytes.split_at(right.len());
        if piece != right {
            let place = piece.iter().zip(right).position(|(is, due)| is != due)?;
            return Some(offset + place as u64);
        }
        offset += piece.len() as u64;
        bytes = rest;
    }
    None
}

/// CRC-32 (IEEE) of the body's first `len` bytes.
pub(super) fn crc32(len: u64) -> u32 {
    let (mut hasher, mut done) = (crc32fast::Hasher::new(), 0);
    while done < len {
        let piece = at(done, len - done);
        hasher.update(piece);
        done += piece.len() as u64;
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn a_wrong_byte_is_found_in_its_place() {
        let mut bytes = body(100_000);
        assert_eq!(first_wrong(0, &bytes), None);
        assert_eq!(first_wrong(777, &bytes[777..]), None);
        bytes[70_000] ^= 1;
        assert_eq!(first_wrong(777, &bytes[777..]), Some(70_000));
    }

    #[test]
    fn the_checksum_is_that_of_the_body() {
        assert_eq!(crc32(100_000), crc32fast::hash(&body(100_000)));
        assert_eq!(crc32(0), 0);
    }
}
