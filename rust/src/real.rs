//! The float types that the kernels are written for.
#![forbid(unsafe_code)]

use std::fmt::Display;
use std::ops::{Add, Div, Mul, Sub};

/// A binary floating-point type. Only operations that IEEE 754 rounds correctly are in it, each rounded by itself:
/// rustc never contracts `a * b + c` to a fused multiply-add, and never reassociates.
pub trait Real:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Display
    + Send
    + Sync
    + 'static
{
    /// +0.0.
    const ZERO: Self;

    /// 1.0.
    const ONE: Self;

    /// What a rejection says is due where a value is not finite.
    const FINITE: &'static str;

    /// The arithmetic profile that computes in this type.
    const PROFILE: &'static str;

    /// How many hexadecimal digits the bit pattern has.
    const DIGITS: u32;

    /// The nearest value, ties to even; infinite where that is beyond the type.
    fn from_binary64(value: f64) -> Self;

    /// The bit pattern.
    fn bits(self) -> u64;

    /// Neither NaN nor an infinity.
    fn is_finite(self) -> bool;
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const FINITE: &'static str = "a finite Number";
    const PROFILE: &'static str = "sequential-f64";
    const DIGITS: u32 = 16;

    #[inline(always)]
    fn from_binary64(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn bits(self) -> u64 {
        self.to_bits()
    }

    #[inline(always)]
    fn is_finite(self) -> bool {
        self.is_finite()
    }
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const FINITE: &'static str = "a Number that is finite in binary32";
    const PROFILE: &'static str = "sequential-f32";
    const DIGITS: u32 = 8;

    #[inline(always)]
    fn from_binary64(value: f64) -> Self {
        value as f32
    }

    #[inline(always)]
    fn bits(self) -> u64 {
        u64::from(self.to_bits())
    }

    #[inline(always)]
    fn is_finite(self) -> bool {
        self.is_finite()
    }
}
