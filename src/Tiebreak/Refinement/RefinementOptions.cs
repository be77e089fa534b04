using Tiebreak.Numbers;

namespace Tiebreak.Refinement;

/// <summary>How a refinement is run; none of it changes what is true, only how surely and how fast it is known.</summary>
public sealed record RefinementOptions
{
    /// <summary>The seed of every random draw.</summary>
    public ulong Seed { get; init; }

    /// <summary>The largest acceptable chance of claiming something false.</summary>
    public double ErrorBound { get; init; } = 1e-18;

    /// <summary>
    /// The group of each tensor, by name: what is in one group is updated alike, and the updates of two groups are unrelated (learning rates of their own). Group 0 is that of
    /// tensors nobody put elsewhere.
    /// </summary>
    public Func<string, int> GroupOf { get; init; } = static _ => 0;

    /// <summary>Whether weights decay: then what is not zero moves from the first step on.</summary>
    public bool Decays { get; init; }

    /// <summary>Whether gates are decided by order where that is possible.</summary>
    public bool ByOrder { get; init; } = true;

    /// <summary>What all numbers of any data lie in; null for anything.</summary>
    public Interval? InputRange { get; init; }

    /// <summary>What to take at boundaries where frameworks differ.</summary>
    public KinkConvention Kinks { get; init; } = KinkConvention.Frameworks;

    /// <summary>Cores to use.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Told at the start of each evaluation what it is for. May be called from several threads at once.</summary>
    public Action<string>? Progress { get; init; }

    /// <summary>Stops the refinement.</summary>
    public CancellationToken Cancellation { get; init; }
}

/// <summary>The smallest invariant set of one model, and how surely it is known.</summary>
public sealed record RefinementResult
{
    /// <summary>The set; null when the gradient is not finite (<see cref="SingularOrigins"/>).</summary>
    public Partition? Partition { get; init; }

    /// <summary>Rounds until nothing changed, the last one included.</summary>
    public int Rounds { get; init; }

    /// <summary>Fresh verifications passed.</summary>
    public int Verifications { get; init; }

    /// <summary>The chance that one verification overlooks a false equation.</summary>
    public double Epsilon { get; init; }

    /// <summary>rounds · ε^verifications.</summary>
    public double ErrorBound { get; init; }

    /// <summary>Whether some value sat exactly on a kink, so that another convention might give another answer.</summary>
    public bool MetKinks { get; init; }

    /// <summary>Where the program divides by an exact zero, or meets another singularity, at the start.</summary>
    public IReadOnlyList<string> SingularOrigins { get; init; } = [];
}
