// The global view: any bytes as a list of names, values or series, and as a configuration.
#include "pipeline/global/external_labels.h"
#include "pipeline/global/list_answer.h"
#include "storage/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto got = troupe::global::parse_list(bytes); got.ok())
    for (const auto& s : got->series)
      TROUPE_CHECK(s.get("") == "");
  (void)troupe::global::external_label_names(bytes);
  return 0;
}
