#include "server/presence/hard_state.hpp"

#include <memory>
#include <utility>
#include <vector>

#include "protocol/xcap/usage.hpp"

namespace beckon::server::presence {

using beckon::xcap::hard_state_auid;
using beckon::xcap::Problem;

struct WrittenHardState::Kept final : Part {
  std::string etag;
  std::unique_ptr<Document> document;  ///< Null: what the store has cannot be read any more.
};

WrittenHardState::WrittenHardState(Environment& environment, xcap::Documents& documents)
    : environment_(environment), documents_(documents), slot_(environment.directory().take_slot<Kept>()) {
  documents.check(hard_state_auid, [this](std::string_view text) { return check(text); });
}

/// A direct offer lives on its device's connection, and its secret is never stored (DESIGN 1.4): a document
/// that has one is refused, as it would promise what nobody can keep.
std::optional<Problem> WrittenHardState::check(std::string_view text) const {
  const auto constraint = [](const char* phrase) {
    return Problem{409, Problem::Kind::constraint_failure, phrase};
  };
  const Arrival arrival{.secure = true, .requires_direct = true};
  const auto reading = read_document(text, arrival, environment_.settings().elements_per_presentity, false);
  if (!reading.state) return constraint("more elements than a presentity may have");
  const auto& document = static_cast<const Document&>(*reading.state);
  if (!document.offers().empty() || !reading.warning.empty())
    return constraint("<direct> is published by a device, and not written");
  return std::nullopt;
}

const Document* WrittenHardState::hard_state(const Entry& presentity) const {
  const Kept* kept = presentity.find(slot_);
  return kept ? kept->document.get() : nullptr;
}

bool WrittenHardState::update(Entry& presentity) {
  const auto written = documents_.find(presentity, hard_state_auid, "index");
  const Kept* known = presentity.find(slot_);
  if (!written) {
    if (!known) return false;
    presentity.drop(slot_);
    return true;
  }
  if (known && known->etag == written->etag) return false;
  auto reading = read_document(written->text, {}, environment_.settings().elements_per_presentity, false);
  Kept& kept = presentity.get(slot_);
  kept.etag = written->etag;
  kept.document.reset(static_cast<Document*>(reading.state.release()));
  return true;
}

void WrittenHardState::restored() {
  std::vector<EntryPtr> all;
  environment_.directory().each([&](Entry& entry) {
    if (documents_.find(entry, hard_state_auid, "index")) all.push_back(entry.ptr());
  });
  for (const EntryPtr& entry : all) update(*entry);
}

}  // namespace beckon::server::presence
