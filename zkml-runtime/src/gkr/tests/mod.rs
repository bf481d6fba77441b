mod honest;
mod sample;
mod tamper;
