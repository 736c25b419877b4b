#include "storage/block/chunk_sharing.h"

namespace troupe::storage {

std::span<chunk_sharing::slot, chunk_sharing::ways> chunk_sharing::slots_of(
    const hash128& content) {
  return std::span<slot, ways>(&slots_[content.low % (slots_.size() / ways) * ways], ways);
}

chunk_sharing::slot* chunk_sharing::find(const hash128& content) {
  for (slot& s : slots_of(content))
    if (s.uses != 0 && s.content == content)
      return &s;
  return nullptr;
}

std::optional<chunk_sharing::place> chunk_sharing::take(const hash128& content,
                                                        uint32_t most_links) {
  slot* const s = find(content);
  if (s == nullptr || s->uses == max_uses || s->at.links > most_links)
    return std::nullopt;
  ++s->uses;
  return s->at;
}

void chunk_sharing::note(const hash128& content, const place& p) {
  if (slot* const known = find(content); known != nullptr) {
    *known = {content, p, 1};
    return;
  }
  if (++noted_ > slots_.size() / 4 && slots_.size() < max_chunks)
    grow();
  insert({content, p, 1});
}

// In a free slot, or in that of one that came before, in turn.
void chunk_sharing::insert(const slot& s) {
  const auto places = slots_of(s.content);
  for (slot& other : places)
    if (other.uses == 0) {
      other = s;
      return;
    }
  places[noted_ % ways] = s;
}

void chunk_sharing::grow() {
  std::vector<slot> before(slots_.size() * 2);
  before.swap(slots_);
  for (const slot& s : before)
    if (s.uses != 0)
      insert(s);
}

}  // namespace troupe::storage
