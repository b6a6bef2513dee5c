// Package pyre searches texts for patterns of Python's re module, and for patterns as pandas hands them on, with the verdicts that
// Python 3.11 and pandas 3 give. It answers one question, "is there a match"; it does not say where, and captures nothing.
//
// A pattern is read by Python's own grammar. If it describes a regular language it runs on an automaton, whatever its assertions,
// its Unicode classes and its folding of case: time is linear in the text, memory is bounded. Look-around, references, conditions,
// atomic groups and possessive repeats run on a backtracking matcher that counts its moves and gives up by an error, at the same
// move on every machine; an automaton for a looser pattern spares it most texts.
//
// Many patterns over a column of long texts share a [Sieve]: one pass with AVX2 marks where each text may hold what any match of a pattern must hold, and
// automata walk there alone.
//
// Texts are UTF-8. A byte that begins no character reads as U+FFFD.
package pyre
