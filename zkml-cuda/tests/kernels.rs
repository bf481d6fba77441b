//! Kernels compile, where there is a compiler: it needs no card.

use zkml_cuda::{compile_ptx, Kernels};

#[test]
fn every_file_compiles() {
    let tests = Kernels { file: "tests/field.cu", source: include_str!("gpu/field.cu") };
    for kernels in Kernels::ALL.into_iter().chain([tests]) {
        match compile_ptx(kernels, "compute_80") {
            Ok(ptx) => assert!(ptx.contains(".entry"), "{}", kernels.file),
            Err(zkml_cuda::CudaError::NoCompiler) => {
                eprintln!("note: no CUDA compiler here, {} was not compiled", kernels.file)
            }
            Err(e) => panic!("{e}"),
        }
    }
}
