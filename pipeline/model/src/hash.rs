//! Hashes that are the same on every machine and in every version: what they were made of is known again by them. They
//! keep nobody from making two texts alike.

use crate::PoolId;

/// FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv).
pub fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// MurmurHash2, 32 bits (Austin Appleby, 2008), with the seed of Kafka's clients: Java's
/// `org.apache.kafka.common.utils.Utils.murmur2`, librdkafka's `rd_murmur2`. Java prints the same bits with a sign.
pub fn murmur2(bytes: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    // Both clients count the length in 32 bits; what is hashed here is far shorter.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let (words, rest) = bytes.as_chunks::<4>();
    let mut hash = words.iter().fold(SEED ^ length, |hash, word| {
        let word = u32::from_le_bytes(*word).wrapping_mul(M);
        hash.wrapping_mul(M) ^ (word ^ (word >> 24)).wrapping_mul(M)
    });
    if !rest.is_empty() {
        let rest = rest.iter().rev().fold(0, |rest, byte| (rest << 8) | u32::from(*byte));
        hash = (hash ^ rest).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// The partition of a pool, of so many: where Java's client puts a record with the pool as its key, and librdkafka with
/// `partitioner=murmur2_random`. The hash loses its sign (`Utils.toPositive`), the rest of the division is the partition.
pub fn partition_of(pool: &PoolId, partitions: u32) -> u32 {
    partition_of_key(pool.as_str().as_bytes(), partitions)
}

/// The partition of a record with this key, of so many: as [`partition_of`] does it for pools.
pub fn partition_of_key(key: &[u8], partitions: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % partitions.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_draft() {
        assert_eq!(fnv1a([]), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(*b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn hashes_are_those_of_kafkas_own_tests() {
        // Apache Kafka, UtilsTest.testMurmur2.
        for (text, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(text.as_bytes()).cast_signed(), hash, "{text}");
        }
    }

    #[test]
    fn a_pool_has_one_partition_whatever_the_sign_of_its_hash() {
        let pool = |name: &str| PoolId::new(name).unwrap();
        // -973,932,308 without its sign bit is 1,173,551,340.
        assert_eq!((partition_of(&pool("21"), 4), partition_of(&pool("21"), 7)), (0, 1_173_551_340 % 7));
        assert_eq!((partition_of(&pool("abc"), 4), partition_of(&pool("abc"), 10)), (3, 7));
        assert_eq!((partition_of(&pool("default"), 1), partition_of(&pool("default"), 0)), (0, 0));
    }
}
