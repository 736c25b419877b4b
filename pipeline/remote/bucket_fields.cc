#include "pipeline/remote/bucket_fields.h"

#include "pipeline/remote/protobuf.h"

namespace troupe::remote {
namespace {

using protozero::pbf_wire_type;

template <class T>
void add(T value, size_t most, std::vector<T>& out) {
  if (out.size() <= most)
    out.push_back(value);
}

}  // namespace

void read_span(protozero::pbf_reader& m, size_t most, std::vector<histogram_span>& out) {
  histogram_span s;
  auto span = m.get_message();
  while (span.next()) {
    if (span.tag() == 1)
      s.offset = span.get_sint32();
    else if (span.tag() == 2)
      s.length = span.get_uint32();
    else
      span.skip();
  }
  add(s, most, out);
}

void read_doubles(protozero::pbf_reader& m, size_t most, std::vector<double>& out) {
  if (m.wire_type() == pbf_wire_type::fixed64)
    return add(m.get_double(), most, out);
  for (const double d : m.get_packed_double())
    add(d, most, out);
}

void delta_reader::read(protozero::pbf_reader& m, size_t most, std::vector<double>& out) {
  const auto add_delta = [&](int64_t d) {
    at_ += static_cast<uint64_t>(d);
    add(static_cast<double>(static_cast<int64_t>(at_)), most, out);
  };
  if (m.wire_type() == pbf_wire_type::varint)
    return add_delta(m.get_sint64());
  for (const int64_t d : m.get_packed_sint64())
    add_delta(d);
}

}  // namespace troupe::remote
