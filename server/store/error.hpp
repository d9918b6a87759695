#pragma once

#include "protocol/base/result.hpp"

namespace beckon::store {

/// Why a store could not do what it was asked.
enum class Errc {
  late = 1,      ///< The batch's deadline had passed before its turn came; nothing was written. Answer 503.
  io,            ///< The disk refused (full, gone, not writable). Nothing of the batch is there. Answer 500.
  corrupt,       ///< The file is no database of ours, or damaged. The program ends with exit code 4.
  newer_schema,  ///< The file was written by a newer beckond. The program ends with exit code 4.
  in_use,        ///< Another beckond runs on this file. The program ends with exit code 4.
  exists,        ///< A user to be added is there already.
  not_found,     ///< A user to be changed is not there.
  stopped,       ///< The store was closed before the batch's turn came; nothing was written.
  overload,      ///< More changes of the address-of-record wait than may. Answer 503.
  conflict,      ///< The address-of-record has another version than the batch expects; nothing was written.
  user_gone,     ///< The user was removed while the change waited for its turn. Answer 404.
};
const char* to_string(Errc value);
/// What a request is answered, in SIP and HTTP alike, whose change was refused for that reason.
int status_of(ErrorCode why);

}  // namespace beckon::store

BECKON_ERROR_ENUM(beckon::store, Errc, "beckon.store")
