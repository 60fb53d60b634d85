/* Symbol visibility of the shared libraries. Everything is hidden unless marked ABI_API. Valid C
 * and C++. */
#ifndef ABI_CORE_EXPORT_H
#define ABI_CORE_EXPORT_H

#ifdef __cplusplus
/* Usable between `class [[nodiscard]]` and the name, where GCC refuses __attribute__. */
#define ABI_API [[gnu::visibility("default")]]
#else
#define ABI_API __attribute__((visibility("default")))
#endif

#endif
