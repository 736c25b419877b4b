#include "tests/support/remote_write_body.h"

#include "pipeline/remote/protobuf.h"

#include <snappy.h>

namespace troupe::support {

std::string write_request(const std::vector<write_series>& series) {
  std::string out;
  protozero::pbf_writer request(out);
  for (const auto& s : series) {
    protozero::pbf_writer ts(request, 1);
    for (const auto& l : s.lset) {
      protozero::pbf_writer label(ts, 1);
      label.add_string(1, l.name.data(), l.name.size());
      label.add_string(2, l.value.data(), l.value.size());
    }
    for (const auto& p : s.samples) {
      protozero::pbf_writer sample(ts, 2);
      sample.add_double(1, p.value);
      sample.add_int64(2, p.ts);
    }
  }
  return out;
}

std::string remote_write_body(const std::vector<write_series>& series) {
  std::string raw = write_request(series), out;
  snappy::Compress(raw.data(), raw.size(), &out);
  return out;
}

}  // namespace troupe::support
