#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/bytes.hpp"
#include "protocol/documents/compiled_rules.hpp"
#include "protocol/xcap/effect.hpp"
#include "protocol/xcap/exchange.hpp"
#include "protocol/xcap/target.hpp"
#include "protocol/xcap/usage.hpp"
#include "server/shard/services.hpp"
#include "server/store/store.hpp"
#include "server/xcap/service_index.hpp"

/// Users' documents over XCAP (RFC 4825). Speaks no HTTP: requests and responses are values.
namespace beckon::server::xcap {

/// Path of the XCAP root in our URLs.
inline constexpr std::string_view root = "/xcap";

/// The user part of a path as an AOR of ours, which clients write with and without scheme; else empty.
std::string aor_of(const std::string& user);

/// The AOR whose tree a request target is in: it names the realm of the credentials and the bucket that
/// answers. Empty for what belongs to no user (`handle_global` answers it).
std::optional<std::string> owner_of(std::string_view target);

/// Answers what belongs to no user: the capabilities, the index of services, 404, 400. Needs no shard.
/// `is_trusted`: the asker may see the index, which has what all users say (RFC 4826 4.4.9).
beckon::xcap::Response handle_global(const beckon::xcap::Request& request, const ServiceIndex& services,
                                     bool is_trusted);

/// The documents of one shard's users, a part of each entry. A PUT or DELETE is a step of the entry's
/// sequence (`Batch::durable`); the bus reports it as store::Kind::document.
class Documents final : public Room, public Keeper {
 public:
  using Done = std::function<void(beckon::xcap::Response)>;

  /// `services` is of the whole node.
  Documents(Environment& environment, store::DurableStore& users, std::shared_ptr<ServiceIndex> services);

  /// Who makes the documents of a usage that nobody writes (`Usage::is_made`): the text for the owner, a
  /// canonical AOR. Once for each usage, before the first request.
  using Maker = std::function<std::string(const std::string& owner)>;
  void provide(std::string_view auid, Maker maker) { makers_.emplace_back(auid, std::move(maker)); }

  /// What must hold besides what the usage says, before a document of it is stored. Once for each usage,
  /// before the first request.
  using Check = std::function<std::optional<beckon::xcap::Problem>(std::string_view text)>;
  void check(std::string_view auid, Check check) { checks_.emplace_back(auid, std::move(check)); }

  /// At the bucket of `owner_of(request.target)`. Only the owner may touch the tree.
  void handle(beckon::xcap::Request request, const Identity& who, Done done);

  /// All rules a user has set, over all rule documents (RFC 5025 9); null where none is set. Compiled once
  /// for each version; valid until the next change of the entry's documents.
  const documents::CompiledRules* rules(const Entry& entry) const;
  const documents::CompiledRules* rules(std::string_view aor) const;
  /// Another number after each change of the rules; 0 where there are no documents.
  std::uint64_t rules_version(const Entry& entry) const;

  /// Absent: there is none. `canonical` of a usage; valid until the next change of the entry's documents.
  std::optional<beckon::xcap::Stored> find(const Entry& entry, std::string_view canonical,
                                           std::string_view document) const;

  /// One version of a document. The text is shared, so whoever compares versions may keep them.
  struct Version {
    std::string etag;
    SharedText text;
    bool operator==(const Version& other) const { return etag == other.etag; }
  };
  /// Calls `visit(key, version)` for each document of the entry; "resource-lists/index" is a key.
  template <class Visit>
  void each(const Entry& entry, const Visit& visit) const {
    if (const Tree* tree = entry.find(slot_))
      for (const Document& document : tree->documents) visit(document.key, document.version);
  }
  /// Hears of each change of a document once it is true and answered; `version` is absent where the document
  /// was removed. Outlives the last change.
  using Observer = std::function<void(Entry& owner, const std::string& key,
                                      const std::optional<Version>& version, Now now)>;
  void observe(Observer observer) { observers_.push_back(std::move(observer)); }

  /// Those of all users of the node.
  const ServiceIndex& services() const { return *services_; }

  /// A removed user's documents go: whoever has the name next begins without rules.
  void on_user_gone(std::string_view aor, bool removed, Now now) override;
  void restore(const store::Record& record, Now now) override;
  void reload(Entry& entry, const store::Held& held, Now now) override;
  std::vector<Table> tables(Now now) const override;

 private:
  struct Document {
    std::string key;  ///< "pres-rules/index"
    Version version;
  };
  /// The documents of one user.
  struct Tree final : Part {
    std::vector<Document> documents;
    std::uint64_t version = 0;
    std::optional<documents::CompiledRules> rules;  ///< Of `rules_of`.
    std::uint64_t rules_of = 0;                     ///< The version that `rules` was read from.
  };
  /// A request under way. Its user may be removed meanwhile: what it would write is not for whoever has the
  /// name next.
  struct Asking {
    std::string owner;
    bool is_gone = false;
  };
  class Work;
  class Removal;

  static const Document* find(const Tree* tree, std::string_view key);
  void apply(Entry& entry, const std::string& key, const std::optional<Version>& next);
  void announce(Entry& entry, const std::string& key, const std::optional<Version>& next, Now now);

  beckon::xcap::Setting setting_of(const std::string& owner) const;
  beckon::xcap::Effect effect_of(const beckon::xcap::Usage& usage, const beckon::xcap::Target& target,
                                 const beckon::xcap::Request& request, const Tree* tree,
                                 const std::string& owner) const;
  beckon::xcap::Response make(const beckon::xcap::Usage& usage, const beckon::xcap::Target& target,
                              const beckon::xcap::Request& request, const std::string& owner) const;
  std::string directory_of(const std::string& owner, const beckon::xcap::Headers& headers) const;
  void look_up(std::vector<std::string> uris, std::vector<std::string> users,
               std::function<void(std::vector<std::string> users)> done);
  void settle(const Entry& entry, const std::string& key, std::string_view text);
  std::shared_ptr<const Asking> begin_asking(const std::string& owner);

  Environment& environment_;
  store::DurableStore& users_;
  std::shared_ptr<ServiceIndex> services_;
  Slot<Tree> slot_;
  std::vector<std::pair<std::string_view, Maker>> makers_;
  std::vector<std::pair<std::string_view, Check>> checks_;
  std::vector<Observer> observers_;
  std::vector<std::weak_ptr<Asking>> asking_;
  std::uint64_t version_ = 0;  ///< Of the last change of any rules.
};

}  // namespace beckon::server::xcap
