//! The card: its memory, its stream, its compiled kernels.

use crate::felt::Felt;
use crate::mailbox::Mailbox;
use crate::{cache, CudaError, Kernels};
use cudarc::driver::{result, sys};
use cudarc::driver::{
    CudaContext, CudaFunction, CudaModule, CudaSlice, CudaStream, CudaView, DevicePtr, DevicePtrMut,
    DeviceRepr, DriverError, ValidAsZeroBits,
};
use cudarc::nvrtc::{compile_ptx_with_opts, CompileError, CompileOptions, Ptx};
use std::collections::hash_map::{Entry, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// A file of kernels, compiled, and those of them that were asked for.
struct Module {
    module: Arc<CudaModule>,
    functions: HashMap<&'static str, CudaFunction>,
}

/// One card and one stream on it. What is launched runs in order, so nothing waits but a download.
pub struct Device {
    /// Freed before the context is.
    mailbox: Mutex<Mailbox>,
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    arch: &'static str,
    compiler: (i32, i32),
    modules: Mutex<HashMap<&'static str, Module>>,
}

impl Device {
    /// The card of this number. An error says what is missing.
    pub fn open(ordinal: usize) -> Result<Self, CudaError> {
        // SAFETY: both load a library, or find that there is none.
        let (driver, compiler) =
            unsafe { (cudarc::driver::sys::is_culib_present(), cudarc::nvrtc::sys::is_culib_present()) };
        if !driver {
            return Err(CudaError::NoDriver);
        }
        if !compiler {
            return Err(CudaError::NoCompiler);
        }
        let count = CudaContext::device_count().map_or(0, |n| n.max(0) as usize);
        if ordinal >= count {
            return Err(CudaError::NoDevice { ordinal, count });
        }
        let context = CudaContext::new(ordinal).map_err(CudaError::driver("opening the device"))?;
        // One stream: buffers need no events to tell when they are free.
        // SAFETY: no buffer is ever used on another stream than the one it was made on.
        unsafe { context.disable_event_tracking() };
        let stream = context.default_stream();
        keep_freed_memory(&context)?;
        let (major, minor) =
            context.compute_capability().map_err(CudaError::driver("asking for the compute capability"))?;
        // The driver compiles what it is given for an older card once more for its own.
        let arch = match (major, minor) {
            (9.., _) => "compute_90",
            (8, 9) => "compute_89",
            (8, 6..) => "compute_86",
            (8, _) => "compute_80",
            _ => "compute_75",
        };
        context.bind_to_thread().map_err(CudaError::driver("binding the device"))?;
        let (modules, mailbox) = (Mutex::default(), Mutex::new(Mailbox::new()?));
        Ok(Self { context, stream, arch, compiler: compiler_version(), modules, mailbox })
    }

    /// Its name, as the driver says it.
    pub fn name(&self) -> String {
        self.context.name().unwrap_or_else(|_| "unknown device".into())
    }

    pub fn stream(&self) -> &Arc<CudaStream> {
        &self.stream
    }

    /// Bytes that are free and bytes that there are.
    pub fn memory(&self) -> Result<(usize, usize), CudaError> {
        self.context.mem_get_info().map_err(CudaError::driver("asking for free memory"))
    }

    /// Bytes that can still be taken: those that are free, and those that were freed and kept.
    pub fn available(&self) -> Result<usize, CudaError> {
        use sys::CUmemPool_attribute::{
            CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT, CU_MEMPOOL_ATTR_USED_MEM_CURRENT,
        };
        let (free, _) = self.memory()?;
        let kept = self.pool(CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT)?;
        let used = self.pool(CU_MEMPOOL_ATTR_USED_MEM_CURRENT)?;
        Ok(free + kept.saturating_sub(used))
    }

    /// The most bytes that were in use at once.
    pub fn peak(&self) -> Result<usize, CudaError> {
        self.pool(sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_HIGH)
    }

    /// A figure of the memory pool; nothing is known without one.
    fn pool(&self, attribute: sys::CUmemPool_attribute) -> Result<usize, CudaError> {
        if !self.context.has_async_alloc() {
            return Ok(0);
        }
        let mut value = 0u64;
        // SAFETY: the device is open, and the attribute is a 64-bit number.
        unsafe {
            let pool = result::device::get_default_mem_pool(self.context.cu_device())
                .map_err(CudaError::driver("asking for the memory pool"))?;
            sys::cuMemPoolGetAttribute(pool, attribute, std::ptr::from_mut(&mut value).cast())
                .result()
                .map_err(CudaError::driver("asking the memory pool"))?;
        }
        Ok(value as usize)
    }

    /// A kernel by its file and name.
    ///
    /// # Panics
    /// If the file has none of this name.
    pub fn kernel(&self, kernels: Kernels, name: &'static str) -> Result<CudaFunction, CudaError> {
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        let Module { module, functions } = match modules.entry(kernels.file) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(free) => {
                free.insert(Module { module: self.compile(kernels)?, functions: HashMap::new() })
            }
        };
        let load = || {
            let loaded = module.load_function(name);
            loaded.unwrap_or_else(|e| panic!("`{}` has no kernel `{name}`: {e}", kernels.file))
        };
        Ok(functions.entry(name).or_insert_with(load).clone())
    }

    fn compile(&self, kernels: Kernels) -> Result<Arc<CudaModule>, CudaError> {
        let _span = tracing::info_span!("compile kernels", file = kernels.file).entered();
        let load = |ptx| self.context.load_module(ptx);
        let text = kernels.text();
        let file = cache::path(&text, self.arch, self.compiler);
        // What cannot be loaded is compiled again: a cache is no reason to fail.
        let cached = file.as_ref().and_then(|f| std::fs::read_to_string(f).ok());
        if let Some(module) = cached.and_then(|ptx| load(Ptx::from_src(ptx)).ok()) {
            return Ok(module);
        }
        let ptx = compile(kernels.file, &text, self.arch)?;
        if let Some(file) = file {
            let made = file.parent().map_or(Ok(()), std::fs::create_dir_all);
            let written = made.and_then(|()| {
                zkml_runtime::atomic_write(&file, |w| std::io::Write::write_all(w, ptx.as_bytes()))
            });
            if let Err(e) = written {
                tracing::debug!("kernels are not cached in {}: {e}", file.display());
            }
        }
        load(Ptx::from_src(ptx)).map_err(CudaError::driver("loading kernels"))
    }

    /// Uninitialised memory for the given number of elements.
    ///
    /// # Safety
    /// It must be written before it is read.
    pub unsafe fn alloc<T: DeviceRepr>(
        &self,
        what: &'static str,
        len: usize,
    ) -> Result<CudaSlice<T>, CudaError> {
        // SAFETY: the caller's.
        self.take(what, len, || unsafe { self.stream.alloc(len.max(1)) })
    }

    pub fn zeros<T: DeviceRepr + ValidAsZeroBits>(
        &self,
        what: &'static str,
        len: usize,
    ) -> Result<CudaSlice<T>, CudaError> {
        self.take(what, len, || self.stream.alloc_zeros(len.max(1)))
    }

    pub fn upload<T: DeviceRepr>(&self, what: &'static str, values: &[T]) -> Result<CudaSlice<T>, CudaError> {
        // SAFETY: written by the copy, which is no longer than it.
        let mut slice = unsafe { self.alloc(what, values.len()) }?;
        if !values.is_empty() {
            self.stream.memcpy_htod(values, &mut slice).map_err(CudaError::driver("uploading"))?;
        }
        Ok(slice)
    }

    /// Waits for all that was launched.
    pub fn download<T: DeviceRepr + Clone + Default>(
        &self,
        slice: &CudaSlice<T>,
    ) -> Result<Vec<T>, CudaError> {
        self.stream.clone_dtoh(slice).map_err(CudaError::driver("downloading"))
    }

    /// The n elements, at most [`crate::mailbox::ROOM`], that a kernel writes to the address it is given. It waits.
    pub(crate) fn read_back(
        &self,
        n: usize,
        launch: impl FnOnce(u64) -> Result<(), CudaError>,
    ) -> Result<Vec<Felt>, CudaError> {
        let mailbox = self.mailbox.lock().unwrap_or_else(PoisonError::into_inner);
        launch(mailbox.address())?;
        self.synchronize()?;
        Ok(mailbox.read(n))
    }

    /// As [`Device::download`], of a part.
    pub(crate) fn download_view<T: DeviceRepr + Clone + Default>(
        &self,
        view: &CudaView<'_, T>,
    ) -> Result<Vec<T>, CudaError> {
        self.stream.clone_dtoh(view).map_err(CudaError::driver("downloading"))
    }

    /// Copies within the device's memory.
    pub(crate) fn copy<T: DeviceRepr>(
        &self,
        from: &impl DevicePtr<T>,
        to: &mut impl DevicePtrMut<T>,
    ) -> Result<(), CudaError> {
        self.stream.memcpy_dtod(from, to).map_err(CudaError::driver("copying"))
    }

    /// Makes it the calling thread's.
    pub(crate) fn bind(&self) -> Result<(), CudaError> {
        self.context.bind_to_thread().map_err(CudaError::driver("binding the device"))
    }

    pub fn synchronize(&self) -> Result<(), CudaError> {
        self.stream.synchronize().map_err(CudaError::driver("waiting for the device"))
    }

    /// Too little memory is said in numbers, once what was freed and kept in pieces has been given back.
    fn take<T>(
        &self,
        what: &'static str,
        len: usize,
        alloc: impl Fn() -> Result<CudaSlice<T>, DriverError>,
    ) -> Result<CudaSlice<T>, CudaError> {
        let lacks = |e: &DriverError| e.0 == sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY;
        let first = match alloc() {
            Err(e) if lacks(&e) => {
                self.give_back()?;
                alloc()
            }
            other => other,
        };
        match first {
            Err(e) if lacks(&e) => {
                let needed = len * size_of::<T>();
                Err(CudaError::Memory { what, needed, free: self.available()? })
            }
            other => other.map_err(CudaError::driver(what)),
        }
    }

    /// Gives the memory back that was freed and kept.
    fn give_back(&self) -> Result<(), CudaError> {
        self.synchronize()?;
        if !self.context.has_async_alloc() {
            return Ok(());
        }
        // SAFETY: the device is open.
        unsafe {
            let pool = result::device::get_default_mem_pool(self.context.cu_device())
                .map_err(CudaError::driver("asking for the memory pool"))?;
            sys::cuMemPoolTrimTo(pool, 0).result().map_err(CudaError::driver("giving memory back"))
        }
    }
}

/// Freed memory stays with the process: without this every wait gives it back, and the next round asks for it again.
fn keep_freed_memory(context: &CudaContext) -> Result<(), CudaError> {
    if !context.has_async_alloc() {
        return Ok(());
    }
    let mut all = u64::MAX;
    let threshold = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
    // SAFETY: the device is open, and the attribute is a 64-bit number.
    unsafe {
        let pool = result::device::get_default_mem_pool(context.cu_device())
            .map_err(CudaError::driver("asking for the memory pool"))?;
        sys::cuMemPoolSetAttribute(pool, threshold, std::ptr::from_mut(&mut all).cast())
            .result()
            .map_err(CudaError::driver("setting up the memory pool"))
    }
}

/// The PTX of a file of kernels for an architecture like `compute_80`. It needs the compiler, but no card.
pub fn compile_ptx(kernels: Kernels, arch: &'static str) -> Result<String, CudaError> {
    // SAFETY: it loads a library, or finds that there is none.
    match unsafe { cudarc::nvrtc::sys::is_culib_present() } {
        true => compile(kernels.file, &kernels.text(), arch),
        false => Err(CudaError::NoCompiler),
    }
}

fn compile(file: &'static str, text: &str, arch: &'static str) -> Result<String, CudaError> {
    let options = CompileOptions {
        arch: Some(arch),
        name: Some(file.into()),
        options: vec!["--std=c++17".into()],
        ..Default::default()
    };
    compile_ptx_with_opts(text, options).map(|ptx| ptx.to_src()).map_err(|e| {
        let log = match e {
            CompileError::CompileError { log, .. } => log.to_string_lossy().into_owned(),
            other => other.to_string(),
        };
        CudaError::Compile { file, arch: arch.into(), log }
    })
}

fn compiler_version() -> (i32, i32) {
    let (mut major, mut minor) = (0, 0);
    // SAFETY: it writes two integers.
    unsafe { cudarc::nvrtc::sys::nvrtcVersion(&mut major, &mut minor) };
    (major, minor)
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("name", &self.name()).field("arch", &self.arch).finish()
    }
}
