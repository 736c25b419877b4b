#include "pipeline/remote/series_cache.h"

#include "pipeline/remote/field_scan.h"
#include "pipeline/remote/reference_hash.h"
#include "storage/base/check.h"
#include "storage/base/ref_table.h"
#include "storage/model/slot.h"

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <utility>

namespace troupe::remote {

namespace {

constexpr uint32_t no_ref = UINT32_MAX;
constexpr uint32_t used_bit = 1;

constexpr uint32_t ref_of(size_t page, size_t position) {
  return static_cast<uint32_t>(page * series_cache::page_series + position);
}

}  // namespace

/// 20 bytes a series: 64 bits of the hash of its label bytes are the key, 31 more are compared.
struct series_cache::known {
  std::array<uint32_t, 2> hash_words{};
  uint32_t check_and_use = 0;
  uint32_t key_bytes = 0;
  uint32_t next = no_ref;  ///< which series came behind it last

  known(const hash128& h, uint32_t bytes)
      : hash_words(std::bit_cast<std::array<uint32_t, 2>>(h.low)),
        check_and_use(check_of(h) | used_bit),
        key_bytes(bytes) {}

  static uint32_t check_of(const hash128& h) { return static_cast<uint32_t>(h.high) & ~used_bit; }
  uint64_t hash() const { return std::bit_cast<uint64_t>(hash_words); }
  bool is(const hash128& h) const { return hash() == h.low && check() == check_of(h); }
  uint32_t check() const {
    return std::atomic_ref(const_cast<uint32_t&>(check_and_use)).load(std::memory_order_relaxed) &
           ~used_bit;
  }
  bool in_use() const { return (check_and_use & used_bit) != 0; }
  // Stores only where they change something: known series are read by all threads.
  void mark() {
    std::atomic_ref bits(check_and_use);
    if ((bits.load(std::memory_order_relaxed) & used_bit) == 0)
      bits.fetch_or(used_bit, std::memory_order_relaxed);
  }
  uint32_t expected() { return std::atomic_ref(next).load(std::memory_order_relaxed); }
  void expect(uint32_t ref) {
    if (expected() != ref)
      std::atomic_ref(next).store(ref, std::memory_order_relaxed);
  }
};

struct series_cache::page {
  uint64_t group = 0;
  series_table_ptr table;
  static_assert(sizeof(known) == 20);
  std::vector<known> series;
  std::vector<labels> added;  ///< not in the table yet; empty between requests
  std::vector<uint16_t> added_slots;
};

struct series_cache::generation {
  ref_table by_hash;  ///< ref + 1
  std::vector<page> pages;
  std::vector<uint32_t> open;  ///< per shard the page that takes new series

  explicit generation(uint32_t shards) : open(shards, nowhere) {}

  known& at(uint32_t ref) { return pages[ref / page_series].series[ref % page_series]; }
  size_t used() const { return by_hash.size(); }
  /// no_ref if there is none.
  uint32_t find(const hash128& h) {
    const uint32_t number =
        by_hash.find(home_of(h.low), [&](uint32_t other) { return at(other - 1).is(h); });
    return number == ref_table::none ? no_ref : number - 1;
  }
  const labels& series(uint32_t ref) const {
    return pages[ref / page_series].table->series[ref % page_series];
  }
  /// Of a series that its page holds already.
  void put(uint32_t ref) {
    const auto hash_of = [this](uint32_t number) { return home_of(at(number - 1).hash()); };
    by_hash.insert(ref + 1, hash_of(ref + 1), hash_of);
  }

 private:
  static uint32_t home_of(uint64_t hash) { return static_cast<uint32_t>(hash); }
};

/// An item that is not known, and the hash of its key.
struct series_cache::miss {
  uint32_t item = 0;
  hash128 hash;
};

/// A series on its way into the current generation.
struct series_cache::added {
  miss of;
  labels series;
  uint16_t slot = 0;
};

series_cache::series_cache(settings s, const clock& clk)
    : settings_(std::move(s)),
      clock_(clk),
      sequences_(settings_.secret),
      metadata_(clk),
      current_(std::make_unique<generation>(settings_.shards)),
      previous_(std::make_unique<generation>(settings_.shards)),
      round_began_ns_(clk.monotonic_ns()) {
  TROUPE_CHECK(settings_.shards > 0 && settings_.max_series > 0);
}

series_cache::~series_cache() = default;

/// Label fields as they were sent.
class series_cache::label_keys {
 public:
  explicit label_keys(const series_cache& of) : of_(of) {}

  void enter(item&) {}
  /// Whether the item's label fields are those of `k`.
  bool are(const known& k, item& it) const {
    if (!ends_key(it.message, k.key_bytes) ||
        !k.is(of_.hash_text(it.message.substr(0, k.key_bytes))))
      return false;
    it.key_bytes = k.key_bytes;
    return true;
  }
  bool read(item& it, hash128& hash) const {
    it.key_bytes = all_key_bytes(it.message);
    hash = of_.hash_text(it.key());
    return true;
  }

 private:
  const series_cache& of_;
};

/// References to texts.
class series_cache::reference_keys {
 public:
  reference_keys(const series_cache& of, std::span<const hash128> texts)
      : texts_(of.sequences_, texts) {}

  void enter(item& it) {
    it.key_bytes = first_key_bytes(it.message);
    valid_ = it.key_bytes != 0 && texts_.read(references_in(it.key()));
  }
  bool are(const known& k, item&) const { return valid_ && k.is(texts_.result()); }
  bool read(item&, hash128& hash) const {
    hash = texts_.result();
    return valid_;
  }

 private:
  static std::string_view references_in(std::string_view key) {
    const char* const end = key.data() + key.size();
    uint64_t length = 0;
    const char* const begin = read_varint(key.data() + 1, end, length);
    return {begin, end};
  }

  reference_hash texts_;
  bool valid_ = false;
};

/// Whole messages.
class series_cache::text_keys {
 public:
  explicit text_keys(const series_cache& of) : of_(of) {}

  void enter(item& it) {
    it.key_bytes = static_cast<uint32_t>(it.message.size());
    hash_ = of_.hash_text(it.message);
  }
  bool are(const known& k, item&) const { return k.is(hash_); }
  bool read(item&, hash128& hash) const {
    hash = hash_;
    return true;
  }

 private:
  const series_cache& of_;
  hash128 hash_;
};

/// Sets item.page to the page's index and item.position for known series; the others are misses.
template <class Keys>
bool series_cache::probe(Keys& keys, std::span<item> items, std::vector<miss>& misses) const {
  generation& g = *current_;
  known* before = nullptr;
  for (uint32_t i = 0; i < items.size(); ++i) {
    item& it = items[i];
    keys.enter(it);
    uint32_t ref = before ? before->expected() : no_ref;
    if (ref == no_ref || !keys.are(g.at(ref), it)) {
      hash128 h;
      if (!keys.read(it, h)) {
        before = nullptr;
        continue;
      }
      ref = g.find(h);
      if (ref == no_ref) {
        misses.push_back({i, h});
        before = nullptr;
        continue;
      }
      if (before)
        before->expect(ref);
    }
    before = &g.at(ref);
    before->mark();
    it.page = ref / page_series;
    it.position = ref % page_series;
  }
  return misses.empty();
}

std::vector<series_cache::page_view> series_cache::resolve(std::span<item> items,
                                                           const parse_key& parse) {
  return resolve_by(label_keys(*this), items, parse);
}

std::vector<series_cache::page_view> series_cache::resolve(std::span<item> items,
                                                           std::span<const hash128> texts,
                                                           const parse_key& parse) {
  return resolve_by(reference_keys(*this, texts), items, parse);
}

std::vector<series_cache::page_view> series_cache::resolve_texts(std::span<item> items,
                                                                 const parse_key& parse) {
  return resolve_by(text_keys(*this), items, parse);
}

template <class Keys>
std::vector<series_cache::page_view> series_cache::resolve_by(Keys keys, std::span<item> items,
                                                              const parse_key& parse) {
  std::vector<miss> misses;
  std::vector<added> fresh;
  for (;;) {
    uint64_t seen = 0;
    {
      std::shared_lock lock(mutex_);
      seen = rounds_;
      if (probe(keys, items, misses))
        return view_pages(items);
      // What was known before the last round needs no parsing.
      for (const miss& m : misses) {
        const uint32_t ref = previous_->find(m.hash);
        fresh.push_back({m, ref != no_ref ? previous_->series(ref) : labels(), 0});
      }
    }
    for (added& a : fresh)
      if (a.series.empty())
        a.series = parse(items[a.of.item].key());
    std::erase_if(fresh, [](const added& a) { return a.series.empty(); });
    for (added& a : fresh)
      a.slot = slot_of(settings_.tenant, a.series);
    std::unique_lock lock(mutex_);
    const bool due = clock_.monotonic_ns() - round_began_ns_ > settings_.round_ms * 1'000'000;
    if (rounds_ == seen && (due || current_->used() > settings_.max_series))
      begin_round();
    if (rounds_ == seen) {
      add(items, fresh);
      return view_pages(items);
    }
    // The places of known series were those of another generation.
    misses.clear();
    fresh.clear();
    for (item& i : items)
      i.page = nowhere;
  }
}

/// Other threads may have added the same series meanwhile: each is looked for once more.
void series_cache::add(std::span<item> items, std::span<added> fresh) {
  generation& g = *current_;
  std::vector<uint32_t> grown;
  for (added& a : fresh) {
    item& it = items[a.of.item];
    if (const uint32_t ref = g.find(a.of.hash); ref != no_ref) {
      it.page = ref / page_series;
      it.position = ref % page_series;
      continue;
    }
    uint32_t& open = g.open[a.slot % settings_.shards];
    if (open == nowhere || g.pages[open].series.size() == page_series) {
      open = static_cast<uint32_t>(g.pages.size());
      uint64_t number = next_page_++;
      g.pages.push_back(
          {xxh3({reinterpret_cast<const char*>(&number), sizeof number}, settings_.secret),
           {},
           {},
           {},
           {}});
    }
    page& p = g.pages[open];
    if (p.added.empty())
      grown.push_back(open);
    it.page = open;
    it.position = static_cast<uint32_t>(p.series.size());
    p.series.emplace_back(a.of.hash, it.key_bytes);
    g.put(ref_of(open, it.position));
    p.added.push_back(std::move(a.series));
    p.added_slots.push_back(a.slot);
  }
  for (uint32_t i : grown) {
    page& p = g.pages[i];
    p.table = extend_series_table(p.table.get(), std::exchange(p.added, {}),
                                  std::exchange(p.added_slots, {}));
  }
}

void series_cache::start_anew() {
  previous_ = std::exchange(current_, std::make_unique<generation>(settings_.shards));
  ++rounds_;
}

void series_cache::forget_beyond(size_t most) {
  std::unique_lock lock(mutex_);
  if (current_->used() + previous_->used() <= most)
    return;
  start_anew();
  previous_ = std::make_unique<generation>(settings_.shards);
}

/// Called with the lock held exclusively. Starts anew if most series are no longer sent or there
/// are too many; else only forgets which were in use.
void series_cache::begin_round() {
  round_began_ns_ = clock_.monotonic_ns();
  size_t in_use = 0;
  for (const page& p : current_->pages)
    in_use += static_cast<size_t>(
        std::count_if(p.series.begin(), p.series.end(), [](const known& k) { return k.in_use(); }));
  if (in_use * 2 < current_->used() || current_->used() > settings_.max_series) {
    start_anew();
    return;
  }
  for (page& p : current_->pages)
    for (known& k : p.series)
      k.check_and_use &= ~used_bit;
  previous_ = std::make_unique<generation>(settings_.shards);
}

/// Turns page indices of the current generation into indices of the answer.
std::vector<series_cache::page_view> series_cache::view_pages(std::span<item> items) const {
  std::vector<page_view> out;
  std::vector<uint32_t> place(current_->pages.size(), nowhere);
  for (item& i : items) {
    if (i.page == nowhere)
      continue;
    uint32_t& at = place[i.page];
    if (at == nowhere) {
      at = static_cast<uint32_t>(out.size());
      const page& p = current_->pages[i.page];
      out.push_back({p.group, p.table, 0});
    }
    i.page = at;
    ++out[at].items;
  }
  return out;
}

size_t series_cache::series_count() const {
  std::shared_lock lock(mutex_);
  return current_->used();
}

}  // namespace troupe::remote
