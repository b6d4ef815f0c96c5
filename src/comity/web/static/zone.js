// Proposes the zone of the reader's own clock where none is chosen; without this script one is chosen by hand.
for (const select of document.querySelectorAll("select[data-own-zone]")) {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  if (!select.value && [...select.options].some((option) => option.value === timeZone)) select.value = timeZone;
}
