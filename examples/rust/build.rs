//! Generates the client from the contract, without a protoc on the machine. `npm ci` brings google/rpc/status.proto.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=../../proto");
    let includes = ["../../proto", "../../node_modules/google-proto-files"];
    let files = protox::compile(["keylease/v1/key_lease_service.proto"], includes)?;
    tonic_prost_build::configure()
        .build_server(false)
        .include_file("contract.rs")
        .compile_fds(files)?;
    Ok(())
}
