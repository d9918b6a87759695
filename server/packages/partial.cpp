#include "server/packages/partial.hpp"

#include <algorithm>

#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/pidf_diff.hpp"

namespace beckon::server::packages {

namespace {

/// From how many documents the changes to one are kept. More are looked for again.
constexpr std::size_t changes_max = 16;

/// A body, kept for the watchers whose documents are numbered alike.
struct Numbered {
  std::uint32_t version = 0;
  SharedText body;

  std::size_t octets() const { return body ? body->size() : 0; }
  template <class Print>
  const SharedText& get(std::uint32_t wanted, const Print& print) {
    if (!body || version != wanted) {
      body = share(print());
      version = wanted;
    }
    return body;
  }
};

}  // namespace

/// What makes one document of another.
struct PartialNotification::Change {
  std::uint64_t from = 0;                 ///< Number of a document.
  std::optional<std::string> operations;  ///< Absent: full state is shorter.
  bool has_direct = false;                ///< A <direct> is in them, which needs the watcher's grant.
  Numbered partial;

  std::size_t octets() const { return (operations ? operations->size() : 0) + partial.octets(); }
};

struct PartialNotification::Document
    : boost::intrusive_ref_counter<PartialNotification::Document, boost::thread_unsafe_counter> {
  SharedText text;  ///< Null: forgotten.
  std::uint64_t number = 0;
  std::vector<Change> changes;
  Numbered full;

  std::size_t octets() const {
    std::size_t octets = (text ? text->size() : 0) + full.octets();
    for (const Change& change : changes) octets += change.octets();
    return octets;
  }
};

PartialNotification::Watcher::Watcher(std::uint32_t version) : version_(version) {}
PartialNotification::Watcher::~Watcher() = default;

PartialNotification::PartialNotification() = default;
PartialNotification::~PartialNotification() = default;

SharedText PartialNotification::compose(Watcher& watcher, const Entry& presentity,
                                        const presence::Drawing& shown, bool is_full,
                                        std::size_t octets_max) {
  watcher.is_composed_ = true;
  const std::uint32_t version = watcher.version_ + 1;
  const auto print_full = [&] { return documents::print_full(*shown.text, version); };
  watcher.next_grants_ = shown.grants;
  if (!shown.shared) {
    watcher.next_ = nullptr;
    return share(print_full());
  }
  if (!watcher.next_ || !(watcher.next_->text == shown.shared))
    watcher.next_ = document_of(presentity, shown.shared);
  Document& next = *watcher.next_;
  keep_within(presentity, next, octets_max);
  if (!is_full && watcher.has_ && watcher.has_->text && watcher.grants_ == shown.grants) {
    Change& made = change(*watcher.has_, next);
    if (made.operations && !(made.has_direct && shown.grants != 0))
      return made.partial.get(
          version, [&] { return documents::print_diff(presentity.aor(), *made.operations, version); });
  }
  if (shown.grants != 0) return share(print_full());
  return next.full.get(version, print_full);
}

void PartialNotification::compose_nothing(Watcher& watcher) {
  watcher.is_composed_ = false;
  watcher.next_ = nullptr;
}

void PartialNotification::sent(Watcher& watcher, const Entry& presentity) {
  if (!std::exchange(watcher.is_composed_, false)) return;
  ++watcher.version_;
  watcher.grants_ = watcher.next_grants_;
  if (watcher.has_ == watcher.next_) return;
  watcher.has_ = watcher.next_;
  drop_unused(presentity);
}

void PartialNotification::forget(Watcher& watcher, const Entry& presentity) {
  watcher.has_ = watcher.next_ = nullptr;
  watcher.is_composed_ = false;
  drop_unused(presentity);
}

std::size_t PartialNotification::size() const {
  std::size_t size = 0;
  for (const auto& [presentity, documents] : documents_) size += documents.size();
  return size;
}

std::size_t PartialNotification::octets() const {
  std::size_t octets = 0;
  for (const auto& [presentity, documents] : documents_)
    for (const auto& each : documents) octets += each->octets();
  return octets;
}

/// The oldest go first. What is left when all but `next` are gone makes nothing of anything.
void PartialNotification::keep_within(const Entry& presentity, Document& next, std::size_t octets_max) {
  auto& documents = documents_.at(&presentity);
  std::size_t octets = 0;
  for (const auto& each : documents) octets += each->octets();
  for (auto each = documents.begin(); octets > octets_max && each != documents.end();) {
    if (each->get() == &next) {
      ++each;
      continue;
    }
    octets -= (*each)->octets();
    **each = Document();  // a watcher that does not answer may hold it for long
    each = documents.erase(each);
  }
  if (octets > octets_max) next.changes.clear();
}

PartialNotification::DocumentPtr PartialNotification::document_of(const Entry& presentity,
                                                                  const SharedText& text) {
  auto& documents = documents_[&presentity];
  const auto known = std::ranges::find_if(documents, [&](const auto& each) { return each->text == text; });
  if (known != documents.end()) return *known;
  if (documents.size() >= documents_max) {
    *documents.front() = Document();  // a watcher that does not answer may hold it for long
    documents.erase(documents.begin());
  }
  const DocumentPtr made = new Document;
  made->text = text;
  made->number = ++last_number_;
  documents.push_back(made);
  return made;
}

PartialNotification::Change& PartialNotification::change(const Document& from, Document& to) {
  const auto known = std::ranges::find(to.changes, from.number, &Change::from);
  if (known != to.changes.end()) return *known;
  if (to.changes.size() >= changes_max) to.changes.clear();
  ++differences_;
  Change& made = to.changes.emplace_back();
  made.from = from.number;
  made.operations = documents::make_operations(*from.text, *to.text);
  made.has_direct = made.operations && made.operations->find(documents::ns::direct) != std::string::npos;
  return made;
}

void PartialNotification::drop_unused(const Entry& presentity) {
  const auto documents = documents_.find(&presentity);
  if (documents == documents_.end()) return;
  std::erase_if(documents->second, [](const auto& each) { return each->use_count() == 1; });
  if (documents->second.empty()) documents_.erase(documents);
}

}  // namespace beckon::server::packages
