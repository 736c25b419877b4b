#include "pipeline/http/snappy_encoder.h"

#include <snappy.h>

namespace troupe::http {

void snappy(std::string_view raw, std::string& out) {
  ::snappy::Compress(raw.data(), raw.size(), &out);
}

}  // namespace troupe::http
