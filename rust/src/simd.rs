//! Runs a computation with vector instructions as wide as the machine has: the one module with unsafe code.
//!
//! A portable build may use SSE2 alone. What a `Work` does is therefore compiled once more per [`Level`], and the
//! level is chosen at run time. Wider vectors change the speed and never a bit: lanes are independent, and rustc emits
//! no fused multiply-add that the source does not name (`every_level_gives_the_same_bits` in the tests holds this).

use std::sync::OnceLock;

/// A computation whose `run`, and all that it calls, is `#[inline(always)]`, so that it is compiled for each level.
pub(crate) trait Work {
    /// What comes out.
    type Output;

    /// Computes it.
    fn run(self) -> Self::Output;
}

/// A set of vector instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every machine of the target has: SSE2 on x86-64, NEON on AArch64.
    Portable,
    /// 256-bit vectors of x86-64.
    Avx2,
    /// 512-bit vectors of x86-64.
    Avx512,
}

impl Level {
    /// The levels of this machine, narrowest first.
    pub fn available() -> impl Iterator<Item = Level> {
        [Level::Portable, Level::Avx2, Level::Avx512]
            .into_iter()
            .filter(|level| level.is_available())
    }

    /// The widest level of this machine.
    pub fn widest() -> Level {
        static WIDEST: OnceLock<Level> = OnceLock::new();
        *WIDEST.get_or_init(|| Level::available().last().unwrap_or(Level::Portable))
    }

    /// The name of the target feature, as rustc has it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Portable => "baseline",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512f",
        }
    }

    /// The number of bytes of a vector.
    pub(crate) const fn vector_bytes(self) -> usize {
        match self {
            Level::Portable => 16,
            Level::Avx2 => 32,
            Level::Avx512 => 64,
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn is_available(self) -> bool {
        match self {
            Level::Portable => true,
            Level::Avx2 => is_x86_feature_detected!("avx2"),
            Level::Avx512 => is_x86_feature_detected!("avx512f"),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_available(self) -> bool {
        self == Level::Portable
    }
}

/// Does `work` at `level`, or at the portable one where the machine has no such level.
pub(crate) fn at<W: Work>(level: Level, work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if level.is_available() {
        // SAFETY: the machine has the instructions of the function that is called, as `is_available` has just found.
        #[allow(unsafe_code)]
        match level {
            Level::Portable => {}
            Level::Avx2 => return unsafe { with_avx2(work) },
            Level::Avx512 => return unsafe { with_avx512(work) },
        }
    }
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<W: Work>(work: W) -> W::Output {
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn with_avx512<W: Work>(work: W) -> W::Output {
    work.run()
}
