use super::*;

// The example of DESIGN 5.7: 700 columns and 17M lookups, at n = 2^16 and n = 2^19; its bound for lookups is looser.
fn example(log_n: u32) -> Counts {
    Counts { log_rows: log_n - 1, columns: 700, lookups: 17_000_000, tuple_width: 2, ..Counts::default() }
}

#[test]
fn the_design_s_figures_hold_or_better() {
    let bits = |log_n| SecurityLevel::Proven.assess(&example(log_n)).unwrap().sum_bits();
    assert_eq!(format!("{:.1}", bits(16)), "97.4");
    assert_eq!(format!("{:.1}", bits(19)), "95.3");
}

#[test]
fn batching_is_blow_up_times_cells_over_the_field() {
    let counts = Counts { log_rows: 18, columns: 512, ..Counts::default() };
    let report = SecurityLevel::Proven.assess(&counts).unwrap();
    assert_eq!(format!("{:.2}", report.batching), "95.95");
    assert!(report.round_by_round_bits() <= report.batching);
    assert!(report.round_by_round_bits() >= report.sum_bits());
}

#[test]
fn a_proven_level_refuses_what_falls_short() {
    let counts = Counts { log_rows: 24, columns: 1 << 12, ..Counts::default() };
    let error = SecurityLevel::Proven.assess(&counts).unwrap_err();
    assert_eq!((error.level, error.expected), (SecurityLevel::Proven, 92.0));
    assert!(error.got < 92.0);
}

#[test]
fn the_least_height_is_the_least_that_suffices() {
    let counts = |log_rows| Counts { log_rows, columns: 10, ..Counts::default() };
    assert!(SecurityLevel::Proven.assess(&counts(MIN_LOG_ROWS)).is_ok());
    assert!(SecurityLevel::Proven.assess(&counts(MIN_LOG_ROWS - 1)).is_err());
    assert!(SecurityLevel::ProvenCompact.assess(&counts(MIN_LOG_ROWS)).is_ok());
}

#[test]
fn the_compact_level_is_as_strong() {
    let report = SecurityLevel::ProvenCompact.assess(&example(17)).unwrap();
    assert!(report.sum_bits() > 96.0, "{report}");
}

#[test]
fn a_conjectured_level_says_so() {
    let report = SecurityLevel::Conjectured96.assess(&example(16)).unwrap();
    assert!(!SecurityLevel::Conjectured96.is_proven());
    assert_eq!(format!("{:.1}", report.sum_bits()), "49.2");
    assert!(report.to_string().contains("the level is conjectured"));
}

#[test]
fn folds_reach_the_last_layer() {
    for level in SecurityLevel::ALL {
        for log_rows in MIN_LOG_ROWS..=MAX_LOG_ROWS {
            let config = level.pcs_config(log_rows);
            let total: u32 = fold_steps(log_rows, &config).sum();
            assert_eq!(total + config.fri_config.log_last_layer_degree_bound, log_rows);
            assert_eq!(fold_steps(log_rows, &config).next(), Some(config.fri_config.fold_step));
            assert_eq!(config.lifting_log_size, Some(log_rows + level.log_blowup()));
        }
    }
}

/// Two sizes, for the table of `docs/protocol.md`: the digits' perceptron, and GPT-2 small with 64 tokens.
fn sizes() -> [(&'static str, Counts); 2] {
    let digits = Counts {
        log_rows: 10,
        columns: 80,
        lookups: 1 << 10,
        table_rows: 1 << 18,
        tuple_width: 2,
        sumcheck_degree_rounds: 600,
        claims: 20,
    };
    let gpt2 = Counts {
        log_rows: 18,
        columns: 700,
        lookups: 1 << 25,
        table_rows: 1 << 22,
        tuple_width: 3,
        sumcheck_degree_rounds: 1_200,
        claims: 2_000,
    };
    [("small", digits), ("GPT-2 small", gpt2)]
}

fn table() -> String {
    let columns: Vec<(String, SecurityReport)> = sizes()
        .into_iter()
        .flat_map(|(size, counts)| {
            SecurityLevel::ALL.map(|l| (format!("{size}, `{l}`"), SecurityReport::new(l, &counts)))
        })
        .collect();
    let row = |name: &str, cell: &dyn Fn(&SecurityReport) -> String| {
        let cells: Vec<String> = columns.iter().map(|(_, r)| cell(r)).collect();
        format!("| {name} | {} |\n", cells.join(" | "))
    };
    let heads: Vec<&str> = columns.iter().map(|(h, _)| &h[..]).collect();
    let mut out = format!("| bits | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(columns.len()));
    for (k, (name, _)) in columns[0].1.terms().into_iter().enumerate() {
        out += &row(name, &|r| format!("{:.1}", r.terms()[k].1));
    }
    out += &row("**sum**", &|r| format!("**{:.1}**", r.sum_bits()));
    out += &row("least term", &|r| format!("{:.1}", r.round_by_round_bits()));
    for (name, count) in [
        ("b", (|c: &Counts| c.log_rows as u64) as fn(&Counts) -> u64),
        ("columns", |c| c.columns as u64),
        ("N", |c| c.lookups),
        ("T", |c| c.table_rows),
        ("w", |c| c.tuple_width),
        ("degrees of sumchecks", |c| c.sumcheck_degree_rounds),
        ("claims", |c| c.claims),
    ] {
        let cells: Vec<String> =
            sizes().iter().flat_map(|(_, c)| vec![count(c).to_string(); SecurityLevel::ALL.len()]).collect();
        out += &format!("| {name} | {} |\n", cells.join(" | "));
    }
    out
}

/// The table of the protocol's description is what this code computes.
#[test]
fn the_documented_table_is_the_computed_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md");
    let text = std::fs::read_to_string(path).expect("the protocol's description");
    let (_, rest) = text.split_once("<!-- security table -->\n").expect("the table's start");
    let (documented, _) = rest.split_once("<!-- end security table -->").expect("the table's end");
    assert!(documented == table(), "docs/protocol.md should hold\n{}", table());
}

/// The same terms from the formulas as `docs/protocol.md` states them, in exact integers where they are integers.
#[test]
fn the_terms_are_the_documented_formulas() {
    for (_, c) in sizes() {
        for level in SecurityLevel::ALL {
            let report = SecurityReport::new(level, &c);
            let n = 1u128 << (c.log_rows + level.log_blowup());
            let m = c.columns as u128 + 12 + 8;
            let mut folding = 0;
            let (mut size, mut left) = (n, c.log_rows - 6.min(c.log_rows - 3));
            while left > 0 {
                let k = left.min(3);
                (size, left) = (size >> k, left - k);
                folding += ((1 << k) - 1) * size;
            }
            let numerators = [
                (report.batching, (m - 1) * n),
                (report.folding, folding),
                (report.out_of_domain, 2 * n),
                (report.lookups, c.lookups as u128 + (c.tuple_width as u128 + 1) * c.table_rows as u128),
                (report.sumchecks, c.sumcheck_degree_rounds as u128),
                (report.claims, c.claims as u128),
            ];
            for (bits, numerator) in numerators {
                assert!((bits - (124.0 - (numerator as f64).log2())).abs() < 1e-9, "{level}: {bits}");
            }
            let rate = 0.5f64.powi(level.log_blowup() as i32);
            let agreement = (1.0 + rate) / 2.0 + 1.5 / n as f64;
            let error = agreement.powi(level.n_queries() as i32) * 0.5f64.powi(level.pow_bits() as i32);
            assert!((report.queries + error.log2()).abs() < 1e-6, "{level}");
        }
    }
}
