using Tiebreak.Formats;
using Tiebreak.Refinement;

namespace Tiebreak.Proofs;

/// <summary>One law: a sum of parameters with whole factors that gradient descent keeps constant.</summary>
/// <param name="Terms">The parameters, each the first of its class, and their factors; coprime, the first one positive.</param>
public sealed record LinearLaw(IReadOnlyList<(int Tensor, int Place, long Factor)> Terms);

/// <summary>
/// A basis of the linear conservation laws of gradient descent beyond ties and stuck parameters (theory §8), as sparse as they come: laws along one axis of a tensor first, then of slices, of whole
/// tensors, and of what is left. Exact: found modulo one random prime of 61 bits, made whole numbers, and held against gradients modulo another.
/// </summary>
public sealed record LinearLaws
{
    /// <summary>More parameters than this are refused: the work grows with their cube.</summary>
    public const int MostParameters = 5000;

    /// <summary>Stuck parameters: each is a law.</summary>
    public required long Stuck { get; init; }

    /// <summary>Parameters tied to the first of their class: each is a law.</summary>
    public required long Ties { get; init; }

    /// <summary>The dimension of the space that gradient descent really moves in.</summary>
    public required int Dimension { get; init; }

    /// <summary>The laws beyond these.</summary>
    public required IReadOnlyList<LinearLaw> Laws { get; init; }

    /// <summary>Laws that exist, and whose factors are no small whole numbers.</summary>
    public required int Unreadable { get; init; }

    /// <summary>The classes of a partition that a law holds at their start, though patterns do not show it.</summary>
    public IEnumerable<int> Held(Partition partition) =>
        Laws.Where(law => law.Terms.Count == 1).Select(law => Math.Abs(partition.Codes[law.Terms[0].Tensor][law.Terms[0].Place]));

    /// <summary>Finds all laws.</summary>
    /// <param name="model">The model.</param>
    /// <param name="partition">Its smallest invariant set.</param>
    /// <param name="options">The seed, and what to take at kinks.</param>
    /// <exception cref="TiebreakException">The model has too many parameters.</exception>
    /// <exception cref="OperationCanceledException">Cancelled through the options.</exception>
    public static LinearLaws Find(Model model, Partition partition, RefinementOptions options)
    {
        var parameters = model.Parameters.Sum(parameter => parameter.Shape.Count);
        if (parameters > MostParameters)
            throw new TiebreakException($"`--laws` is for models of up to {MostParameters:N0} parameters, and this one has {parameters:N0}; freeze what does not matter (`--freeze GLOB`), or try a narrower model of the same kind");
        var space = ConservationLaws.Find(model, partition, options, primes: 1);
        var starts = new ClassStarts(model, partition);
        var found = new List<IReadOnlyList<(int Class, long Factor)>>();
        var unreadable = 0;
        if (space.Laws > 0)
        {
            var known = new LinearSpan(space.Field, partition.Classes + 1);
            foreach (var places in Candidates(model, starts))
            {
                if (known.Dimension == space.Laws) break;
                options.Cancellation.ThrowIfCancellationRequested();
                foreach (var vector in space.Span.At(places).Orthogonal())
                {
                    var whole = new ulong[partition.Classes + 1];
                    for (var k = 0; k < places.Length; k++) whole[places[k]] = vector[k];
                    if (!known.Add([.. whole])) continue;
                    if (WholeNumbers.Of(space.Field, whole) is { } factors) found.Add([.. factors.Select((factor, number) => (number, factor)).Where(term => term.factor != 0)]);
                    else unreadable++;
                }
            }

            var hold = ConservationLaws.Hold(model, partition, options, found);
            unreadable += hold.Count(holds => !holds);
            found = [.. found.Where((_, law) => hold[law])];
        }

        return new LinearLaws
        {
            Stuck = partition.Stuck,
            Ties = parameters - partition.Stuck - partition.Classes,
            Dimension = space.Dimension,
            Laws = [.. found.Select(law => new LinearLaw([.. law.Select(term => (starts.Tensors[term.Class], starts.Places[term.Class], term.Factor))]))],
            Unreadable = unreadable,
        };
    }

    // Sets of classes that a law may live on, the smallest first: single ones, lines along an axis of a tensor, slices, tensors, all.
    static IEnumerable<int[]> Candidates(Model model, ClassStarts starts)
    {
        var numbers = Enumerable.Range(1, starts.Tensors.Length - 1).ToArray();
        foreach (var number in numbers) yield return [number];
        foreach (var isLine in new[] { true, false })
        {
            foreach (var tensor in numbers.GroupBy(number => starts.Tensors[number]))
            {
                var shape = model.Parameters[tensor.Key].Shape;
                var strides = shape.Strides();
                for (var axis = 0; axis < shape.Rank; axis++)
                {
                    int At(int number) => starts.Places[number] / strides[axis] % shape[axis];
                    foreach (var set in tensor.GroupBy(number => isLine ? starts.Places[number] - At(number) * strides[axis] : At(number)))
                        if (set.Count() > 1) yield return [.. set];
                }
            }
        }

        foreach (var tensor in numbers.GroupBy(number => starts.Tensors[number])) yield return [.. tensor];
        yield return numbers;
    }
}
