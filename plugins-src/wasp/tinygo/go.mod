module hookproof/wasp

go 1.26

toolchain go1.26.8
