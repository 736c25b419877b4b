// OTLP requests in protobuf: any bytes give batches or an error, and the same when series are
// known. As answers they give what was rejected, or an error.
#include "pipeline/otlp/metrics_encoder.h"
#include "tests/fuzz/otlp_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  troupe::fuzz::check_otlp(troupe::otlp::decode_protobuf,
                           {reinterpret_cast<const char*>(data), size});
  troupe::otlp::read_protobuf_response({reinterpret_cast<const char*>(data), size})
      .error()
      .ignore();
  return 0;
}
