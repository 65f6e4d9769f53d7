//! The float types that the kernels are written for.
#![forbid(unsafe_code)]

use std::fmt::Display;
use std::ops::{Add, Mul, Sub};

/// A binary floating-point type. Only operations that IEEE 754 rounds correctly are in it, each rounded by itself:
/// rustc never contracts `a * b + c` to a fused multiply-add, and never reassociates.
pub trait Real:
    Copy + PartialOrd + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Display + Send + Sync + 'static
{
    /// +0.0.
    const ZERO: Self;

    /// 1.0.
    const ONE: Self;

    /// Neither NaN nor an infinity.
    fn is_finite(self) -> bool;
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    #[inline(always)]
    fn is_finite(self) -> bool {
        self.is_finite()
    }
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    #[inline(always)]
    fn is_finite(self) -> bool {
        self.is_finite()
    }
}
