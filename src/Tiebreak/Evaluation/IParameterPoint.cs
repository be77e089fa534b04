using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Evaluation;

/// <summary>Supplies parameter values, in ranges, as often as they are asked for: large tensors are never held between uses.</summary>
interface IParameterPoint
{
    /// <summary>Writes the values of a parameter from <paramref name="start"/> on, row-major, as field elements.</summary>
    void Fill<TField>(TField field, int lane, string name, long start, Span<ulong> values) where TField : struct, IField;
}

/// <summary>Supplies values of data leaves; what it does not supply is drawn at random.</summary>
interface IDataPoint
{
    /// <summary>Writes all values of a leaf, row-major, as field elements; false if it has none.</summary>
    bool TryFill<TField>(TField field, int lane, Primitive.Data leaf, Shape shape, Span<ulong> values) where TField : struct, IField;
}

/// <summary>What one evaluation met besides its results.</summary>
/// <param name="Kinks">Values that sat exactly on a boundary where conventions differ.</param>
/// <param name="Singularities">Nodes that divided by an exact zero, or met a singularity.</param>
sealed record EvaluationEvents(long Kinks, IReadOnlyList<Node> Singularities);
