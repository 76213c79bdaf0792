//! The policy file: no text makes the reader or its messages panic, and a file without mistakes is
//! read strictly, too.

#![no_main]

use tidegate::config;

libfuzzer_sys::fuzz_target!(|text: &str| {
    match config::salvage("fuzz.yaml", text) {
        Err(report) => {
            assert!(!report.is_empty(), "refused without a word");
            let _ = report.to_string();
            let _ = report.coloured();
        }
        Ok(salvage) => {
            let clean = salvage.mistakes.is_empty();
            match salvage.strictly() {
                Ok(_) => assert!(clean, "mistakes were passed over"),
                Err(report) => {
                    assert!(!clean, "refused without a mistake");
                    let _ = report.to_string();
                }
            }
        }
    }
});
