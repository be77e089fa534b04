using Tiebreak.Evaluation;
using Tiebreak.Programs;

namespace Tiebreak.Conformance;

/// <summary>Computes all outputs of a program; leaves are asked for by their node.</summary>
public delegate IReadOnlyList<OutputValues> ProgramEvaluation(TensorProgram program, Func<Node, double[]> leaf);
