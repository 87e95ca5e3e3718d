# A thin front; the work is done by CMake presets and tools/.
.PHONY: build test
build:
	@tools/install_packages.sh build test
	@cmake --workflow --preset dev
test: build
	@ctest --preset dev
