//! Imports a file, prints its source and how far it is from reference outputs.
use std::path::Path;
use zkml_onnx::*;
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let path = Path::new(&args[0]);
    let base = args
        .get(1)
        .cloned()
        .unwrap_or_else(|| args[0].trim_end_matches(".onnx").trim_end_matches(".dynamo").to_owned());
    let mut options = Options::default();
    for a in &args[2.min(args.len())..] {
        let (k, v) = a.split_once('=').unwrap();
        options.constants.insert(k.into(), v.parse()?);
    }
    let all = samples::read(Path::new(&format!("{base}.samples.npz")))?;
    let options = options.with_samples(&all, true);
    let import = match import(path, &options, Widths::default()) {
        Ok(i) => i,
        Err(e) => {
            println!("{e}");
            std::process::exit(3)
        }
    };
    println!("{}", import.rust());
    let shapes = options.shapes.clone();
    let samples_ = samples::split(path, &all, &shapes)?;
    let expected = samples::read(Path::new(&format!("{base}.expected.npz")))?;
    let shapes = expected.iter().map(|(n, a)| (n.clone(), a.dims[1..].to_vec())).collect();
    let expected = samples::split(path, &expected, &shapes)?;
    for c in compare::compare(&import, None, &samples_, &expected)? {
        println!("float {:?}", c.float);
    }
    let instance = import.instance()?;
    let t = std::time::Instant::now();
    let floats: Vec<_> = samples_.iter().map(|s| import.sample(s)).collect::<Result<_, _>>()?;
    let model = instance.calibrate(&import.weights(), &floats)?;
    println!("calibrated and set up in {:?}", t.elapsed());
    for c in compare::compare(&import, Some(&model), &samples_, &expected)? {
        println!("{}: integers {:?}", c.name, c.integer);
    }
    println!("{}", instance.report()?.line());
    let x: Vec<_> = instance
        .graph()
        .inputs
        .iter()
        .zip(&floats[0])
        .map(|(p, x)| model.to_units(&p.name, &x.data))
        .collect::<Result<_, _>>()?;
    let t = std::time::Instant::now();
    let (out, proof) = model.prove(&x)?;
    println!("proved in {:?}", t.elapsed());
    instance.verify(&model.verifier_key(), &x, &out, &proof)?;
    println!("verified");
    Ok(())
}
