#include "storage/model/histogram_buckets.h"

#include <utility>
#include <vector>

namespace troupe {
namespace {

struct bucket {
  int64_t index;
  double count;
};
using buckets = std::vector<bucket>;

// Those that are not empty, in the order of the spans.
buckets filled_buckets(const std::vector<histogram_span>& spans,
                       const std::vector<double>& counts) {
  buckets out;
  out.reserve(counts.size());
  int64_t index = 0;
  size_t at = 0;
  for (const auto& s : spans) {
    index += s.offset;
    for (uint32_t i = 0; i < s.length; ++i, ++index, ++at)
      if (counts[at] != 0)
        out.push_back({index, counts[at]});
  }
  return out;
}

void store(const buckets& from, uint32_t most_empty, std::vector<histogram_span>& spans,
           std::vector<double>& counts) {
  spans.clear();
  counts.clear();
  int64_t next = 0;
  for (const auto& b : from) {
    const int64_t gap = b.index - next;
    if (spans.empty() || gap > most_empty || gap < 0) {
      spans.push_back({static_cast<int32_t>(gap), 0});
    } else {
      spans.back().length += static_cast<uint32_t>(gap);
      counts.insert(counts.end(), static_cast<size_t>(gap), 0.0);
    }
    ++spans.back().length;
    counts.push_back(b.count);
    next = b.index + 1;
  }
}

buckets merged(const buckets& from, int32_t levels) {
  buckets out;
  for (const auto& b : from) {
    const int64_t index = ((b.index - 1) >> levels) + 1;
    if (!out.empty() && out.back().index == index)
      out.back().count += b.count;
    else
      out.push_back({index, b.count});
  }
  return out;
}

template <class Change>
void rewrite(histogram& h, uint32_t most_empty, Change change) {
  store(change(filled_buckets(h.positive_spans, h.positive_buckets)), most_empty, h.positive_spans,
        h.positive_buckets);
  store(change(filled_buckets(h.negative_spans, h.negative_buckets)), most_empty, h.negative_spans,
        h.negative_buckets);
}

}  // namespace

void compact(histogram& h, uint32_t most_empty) {
  rewrite(h, most_empty, [](buckets b) { return b; });
}

void reduce_resolution(histogram& h, int32_t schema) {
  if (h.schema == histogram::custom_schema || h.schema <= schema)
    return;
  const int32_t levels = h.schema - schema;
  rewrite(h, 0, [&](const buckets& b) { return merged(b, levels); });
  h.schema = schema;
}

}  // namespace troupe
