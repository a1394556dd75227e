//! How a fresh memory gets what a component's data says it holds at first.

use wasmparser::{Parser, Payload};

/// Measured in docs/PERFORMANCE.md: which of both is faster depends on how much data there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filling {
    /// Pages of the compiled form are mapped, and copied when they are written to: much data costs no more than little. A slot
    /// of the pool that goes from one component to another needs a new mapping, and its pages are faulted in again.
    Mapped,
    /// Copied when the instance begins: as cheap where there is little, and the pages of a slot stay, whichever component is next.
    Copied,
}

/// Data of a component that is copied, in octets; above, it is mapped.
const COPIED_OCTETS_MAX: usize = 32 << 10;

impl Filling {
    /// What suits a component. What cannot be read is mapped, and refused by the compiler.
    pub fn of(wasm: &[u8]) -> Filling {
        let mut octets = 0;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload {
                Ok(Payload::DataSection(section)) => octets += section.range().len(),
                Ok(_) => {}
                Err(_) => return Filling::Mapped,
            }
        }
        if octets > COPIED_OCTETS_MAX { Filling::Mapped } else { Filling::Copied }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_of_all_its_modules_counts() {
        let module = |octets| format!("(core module (memory 1) (data (i32.const 0) \"{}\"))", "x".repeat(octets));
        let of = |text: String| Filling::of(&wat::parse_str(format!("(component {text})")).expect("valid"));
        let half = COPIED_OCTETS_MAX / 2;
        assert_eq!(of(String::new()), Filling::Copied);
        assert_eq!(of(module(half)), Filling::Copied);
        assert_eq!(of(module(half) + &module(half)), Filling::Mapped, "their heads count, too");
        assert_eq!(of(format!("(component {})", module(2 * half))), Filling::Mapped);
        assert_eq!(Filling::of(b"\0asm, or not"), Filling::Mapped);
    }
}
