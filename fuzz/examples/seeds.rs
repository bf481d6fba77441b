//! Writes the seeds of every fuzz target: `cargo run --example seeds`, in this folder.
//!
//! Nearly all are edit scripts (`src/entry/edits.rs`) after a byte that chooses what they edit, so they stay small and
//! outlive a change of the golden files.

use std::path::Path;

/// An edit at an exact offset from the start.
fn edit(op: u8, at: u32, rest: &[u8]) -> Vec<u8> {
    let low = (at as u16).to_le_bytes();
    [&[op, low[0], low[1], ((at >> 16) as u8) << 1], rest].concat()
}

/// One of each, none of which a reader or a verifier may let pass.
fn edits() -> Vec<(String, Vec<u8>)> {
    let mut all = vec![("none".to_owned(), vec![])];
    for at in [0, 12, 40, 220, 2000, 150_000] {
        all.push((format!("overwrite-{at}"), edit(0, at, &[2, 0x81, 0x01])));
    }
    for at in [16, 30, 60, 140] {
        all.push((format!("varint-{at}"), edit(1, at, &[1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f])));
    }
    for at in [24, 100_000] {
        all.push((format!("truncate-{at}"), edit(3, at, &[])));
        all.push((format!("swap-{at}"), [edit(2, at, &[]), vec![4, 3, 0, 16, 0]].concat()));
        all.push((format!("repeat-{at}"), edit(4, at, &[64, 0])));
        all.push((format!("add-{at}"), edit(5, at, &[0xff, 0xff, 0xff, 0x7f])));
    }
    // The last word, counted from the end.
    all.push(("add-last".to_owned(), vec![5, 4, 0, 1, 1, 0, 0, 0]));
    all.push(("append".to_owned(), vec![1, 0, 0, 1, 0, 1, 0]));
    all
}

fn write(target: &str, name: &str, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(name), bytes).expect("a file");
}

fn main() {
    // Every file with every edit, the models in turn.
    for (model, (name, script)) in (0..3u8).cycle().zip(edits()) {
        let seed = |target: &str, head: &[u8]| {
            let head_name: Vec<String> = head.iter().map(u8::to_string).collect();
            write(target, &format!("seed-{}-{name}", head_name.join("-")), &[head, &script[..]].concat());
        };
        [2, 3].iter().for_each(|form| seed("proof", &[3 * form + model]));
        (0..4).for_each(|file| seed("verifier", &[3 * file + model]));
        [5, 7, 9].iter().for_each(|&form| seed("key", &[form, model]));
        [model, model + 128].iter().for_each(|&choice| seed("plan", &[choice]));
        [3, 4].iter().for_each(|&form| seed("safetensors", &[form]));
    }
    // Every small graph: its key with other steps and rescales, its plan.
    for graph in 0..27u8 {
        write("key", &format!("seed-2-{graph}"), &[2, graph]);
        let body = [[2, graph].as_slice(), &[0, 36, 0, 1, 8, 0, 0, 0, 0, 0, 0, 0x70, 0x43]].concat();
        write("key", &format!("seed-2-{graph}-step"), &body);
        write("plan", &format!("seed-{}", graph + 3), &[graph + 3]);
        write("plan", &format!("seed-{}", graph + 131), &[graph + 131]);
        write(
            "plan",
            &format!("seed-{}-bits", graph + 3),
            &[&[graph + 3], &edit(0, 12, &[1, 40])[..]].concat(),
        );
    }
    // Files from nothing.
    write("proof", "seed-argument", &[3; 400]);
    write("proof", "seed-file", b"\x00zkml\x01\0\0\0\x02\0\0\0\x01\0\0\0m");
    write("plan", "seed-empty", &[30, 0, 0, 0, 0, 0]);
    write(
        "key",
        "seed-statement",
        &[&[8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], &[5; 4][..]].concat(),
    );
    write("key", "seed-certificate", &[&[6, 0], &[1; 90][..]].concat());
    write("key", "seed-raw", b"\x00\x00zkml\x03\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    let headers: [(&str, &[u8]); 5] = [
        ("f32", b"\x01{\"one\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}\xff\0\0\x80\x7f"),
        ("empty", b"\x01{}"),
        ("long", b"\x01{\"a\":{\"dtype\":\"F64\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}"),
        ("zero", b"\x01{\"a\":{\"dtype\":\"BF16\",\"shape\":[0,1,1,1,1,1,1],\"data_offsets\":[0,0]}}"),
        ("metadata", b"\x01{\"__metadata__\":{\"zkml\":\"{}\"},\"bias\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[0,4]}}\xff\0\0\0\0"),
    ];
    for (name, bytes) in headers {
        write("safetensors", &format!("seed-header-{name}"), bytes);
    }
    let model = |step: &str| {
        let rescales = r#"[{"name":"q","m":1,"s":9}]"#;
        let steps = format!(r#"[{{"name":"q","bits":"{step}"}}]"#);
        format!("\x02{{\"format\":1,\"model\":\"fuzzed\",\"rescales\":{rescales},\"steps\":{steps}}}")
    };
    for (name, step) in
        [("model", "3fd0000000000000"), ("nan", "7ff8000000000000"), ("sign", "+fd0000000000000")]
    {
        write("safetensors", &format!("seed-{name}"), model(step).as_bytes());
    }
    for (name, map) in [
        ("good", r#""model.bias":"s","model.one":"./s""#),
        ("outside", r#""model.bias":"../s""#),
        ("absent", r#""model.bias":"t""#),
        ("twice", r#""model.bias":"s","model.bias":"t""#),
    ] {
        let index = format!("\x05{{\"metadata\":{{\"total_size\":64}},\"weight_map\":{{{map}}}}}");
        write("safetensors", &format!("seed-index-{name}"), index.as_bytes());
    }
}
