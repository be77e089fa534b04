using System.Diagnostics;

namespace Tiebreak.Refinement;

/// <summary>
/// The answer: every parameter is stuck at its start value or belongs to a signed class whose members stay equal up to sign for ever
/// (theory §2). Tensors are in the order of the model's parameters. Immutable once made.
/// </summary>
[DebuggerDisplay("{Classes} classes, {Stuck} stuck")]
public sealed class Partition
{
    /// <summary>Wraps the codes; <paramref name="firstSteps"/> has one entry a class, index 0 unused.</summary>
    public Partition(IReadOnlyList<int[]> codes, IReadOnlyList<int> firstSteps)
    {
        Codes = codes;
        FirstSteps = firstSteps;
        foreach (var tensor in codes)
            foreach (var code in tensor)
                if (code == 0) Stuck++;
    }

    /// <summary>
    /// For each tensor one code a parameter, row-major: 0 is stuck, +c and −c are the two signs of class c. Classes count from 1 in order of
    /// first appearance, and the first member of a class has the positive sign.
    /// </summary>
    public IReadOnlyList<int[]> Codes { get; }

    /// <summary>For each class the first step at which its members move; index 0 is unused.</summary>
    public IReadOnlyList<int> FirstSteps { get; }

    /// <summary>The number of classes of moving parameters: the degrees of freedom.</summary>
    public int Classes => FirstSteps.Count - 1;

    /// <summary>The number of parameters that never move.</summary>
    public long Stuck { get; }

    /// <summary>Whether another partition has the same classes, signs, stuck part and first steps.</summary>
    public bool SameAs(Partition other) =>
        Classes == other.Classes && FirstSteps.SequenceEqual(other.FirstSteps) && Codes.Count == other.Codes.Count
        && Codes.Zip(other.Codes).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second));
}
